"""Dynamical systems: simulation, reconstruction from time series, measures of it, symbolic dynamics."""
