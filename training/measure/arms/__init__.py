"""What is measured: arms and their comparisons, how each was made, and its record of numbers."""
