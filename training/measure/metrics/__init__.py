"""Measures of pictures as arrays, and statistics of a few units."""
