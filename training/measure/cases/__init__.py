"""What is measured: volumes and slabs with their labels, and the MRI made of labels."""
