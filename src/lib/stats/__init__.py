"""Statistics that every paper uses: intervals, resampling, correlations, covariance shrinkage."""
