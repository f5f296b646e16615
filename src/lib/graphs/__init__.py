"""Graphs: trees, quotients, homomorphisms, modules."""
