"""The networks that only the training has: SegNet, the back generator, the discriminators."""
