"""Gaussian numbers."""


def gaussian(rng, number: int, spread: float):
    """Return `number` draws of standard deviation `spread`."""
    # a comment
    return spread * rng.standard_normal(number)
