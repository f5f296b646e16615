"""Causal abstraction: algorithms, interchange interventions in networks, alignment maps, and how far they go."""
