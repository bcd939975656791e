"""Whole archives: many inputs, many workers, one record."""
