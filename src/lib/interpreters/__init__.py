"""Convolutional networks replayed as affine maps, and what their filters and singular vectors look like."""
