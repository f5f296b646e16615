"""Compositional data: closure, log-ratios, partial correlations and proportionality of parts."""
