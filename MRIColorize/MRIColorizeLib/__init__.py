"""MRIColorizeLib: grey MRI in, the colours of human tissue out. Not for diagnosis."""

__version__ = "0.3.0"
