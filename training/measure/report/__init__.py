"""From records to conclusions: tables, curves, pictures of failures, pages, and the commands."""
