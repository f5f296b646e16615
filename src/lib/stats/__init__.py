"""Estimates with intervals, resampling, correlations, covariances and their shrinkage."""
