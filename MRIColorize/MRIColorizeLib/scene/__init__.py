"""MRML: volumes from Slicer's scene and results into it."""
