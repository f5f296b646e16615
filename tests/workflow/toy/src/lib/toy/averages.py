"""Averages."""


def average(values) -> float:
    """Return the mean."""
    return float(values.mean())
