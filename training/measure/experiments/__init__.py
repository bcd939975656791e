"""The experiments: what is compared with what, a queue that runs it, results, tables."""
