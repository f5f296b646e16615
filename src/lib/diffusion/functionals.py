"""Functionals of a sample that change at most as fast as the sample does, and how their values are spread."""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

FUNCTIONALS = {
    "norm": "norm",
    "projection": "random projections",
    "largest": "largest coordinate",
    "nearest": "distance to the nearest real image",
    "centre": "distance to the class mean",
    "logsumexp": "log-sum-exp",
}


def unit_vectors(number: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Random directions (number, dim) of length 1."""
    u = rng.standard_normal((number, dim))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def distances(x, references) -> np.ndarray:
    """Euclidean distances (n, m) of samples (n, d) from references (m, d)."""
    square = (x**2).sum(1)[:, None] + (references**2).sum(1) - 2 * x @ references.T
    return np.sqrt(np.maximum(square, 0))


def lipschitz_functionals(x, directions, references, centre) -> dict[str, np.ndarray]:
    """Values of the functionals of `FUNCTIONALS`, each with Lipschitz constant 1.

    Args:
        x: samples of one class (n, d).
        directions: unit vectors (m, d).
        references: fixed real images of the class (r, d).
        centre: mean of the class (d,).

    Returns:
        By name, (n,); for `projection` (n, m).
    """
    x = np.asarray(x, dtype=float)
    return {
        "norm": np.linalg.norm(x, axis=1),
        "projection": x @ directions.T,
        "largest": x.max(axis=1),
        "nearest": distances(x, references).min(axis=1),
        "centre": np.linalg.norm(x - centre, axis=1),
        "logsumexp": logsumexp(x, axis=1),
    }


def standardise(values) -> np.ndarray:
    """Values less their mean over their deviation, along the first axis; zeros where all values are alike."""
    values = np.asarray(values, dtype=float)
    centred, deviation = values - values.mean(axis=0), values.std(axis=0)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)


def resampled(statistic: Callable, values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """A statistic of values (n, ...) and counts (B, n), averaged over what is not the axis of resamples: (B,)."""
    result = statistic(values, counts)
    return result.reshape(len(counts), -1).mean(axis=1)
