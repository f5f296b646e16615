"""Training loops that carry many runs at once."""
