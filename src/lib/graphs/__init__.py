"""Graphs: trees, quotients, homomorphisms."""
