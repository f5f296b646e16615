"""Tangent kernels of wide networks, and what they predict of ensembles and of programs that networks execute."""
