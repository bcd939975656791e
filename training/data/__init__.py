"""Data of the training: reading, labels, slices and synthetic MRI."""
