"""Clustering of data near several manifolds: coding rates, doubly stochastic membership, networks that learn both."""
