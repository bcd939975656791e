"""DICOM: folders and files become volumes, each slice held against its header."""
