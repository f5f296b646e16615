"""Triton kernels, called through `lib`."""
