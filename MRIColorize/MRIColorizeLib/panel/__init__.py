"""The module's panel: the only part that knows Qt."""
