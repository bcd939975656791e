"""The page about a model: what it is for, what it was made of, what it was measured at."""
