"""The generator, its weights and card, and the colours that it paints with."""
