"""Degeneracy of networks: free directions, synchronised units, volumes of low loss, learning coefficients."""
