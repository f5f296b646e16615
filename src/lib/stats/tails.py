"""Tails of samples: Hill's index, kurtosis, moments against those of sub-Gaussian variables, survival."""

import numpy as np
from scipy import special

from lib.stats.intervals import Estimate, check_level


def hill_estimator(x, fraction: float, level: float = 0.95) -> Estimate:
    """Tail index of positive values by Hill's estimator, with its asymptotic interval.

    The index is one over the mean of log(x_(i) / x_(k+1)) over the k largest values; the logarithms are exponential
    variables in the limit, so that 2 k index / estimate is chi-squared with 2 k degrees of freedom.

    Args:
        x: (n,) positive values.
        fraction: of the values that count as the tail; k is rounded down.
        level: confidence level.

    Returns:
        The estimate; `n` is k.

    Raises:
        ValueError: fewer than two values in the tail, or a threshold that is not positive.

    Source: Hill 1975, Annals of Statistics 3, 1163.
    """
    x = np.sort(np.asarray(x, dtype=float))[::-1]
    k = int(fraction * len(x))
    if not 2 <= k < len(x):
        raise ValueError(f"fraction: got {fraction} of {len(x)} values, expected two in the tail and one below it")
    if not x[k] > 0:
        raise ValueError(f"x: got a threshold of {x[k]}, expected a positive one")
    index = 1 / np.mean(np.log(x[:k] / x[k]))
    tail = (1 - check_level(level)) / 2
    low, high = (special.chdtri(2 * k, share) / (2 * k) * index for share in (1 - tail, tail))
    return Estimate(index, index / np.sqrt(k), low, high, k)


def _mean(values: np.ndarray, counts) -> np.ndarray:
    """Mean along the first axis, of the sample or of each resample."""
    return values.mean(axis=0) if counts is None else np.tensordot(counts, values, 1) / len(values)


def moment_ratio(x, p: float, counts=None) -> np.ndarray:
    """p-norm of a centred variable over sqrt(p), over the same for p = 2; bounded in p where x is sub-Gaussian.

    A Gaussian variable has 0.895 at p = 8. NaN for a constant.

    Args:
        x: (n, ...) values whose mean is 0.
        p: order.
        counts: how often each observation counts, (B, n), for resamples; (B, ...) is returned then.
    """
    size = np.abs(np.asarray(x, dtype=float))
    with np.errstate(invalid="ignore"):
        return (_mean(size**p, counts) ** (1 / p) / np.sqrt(p)) / np.sqrt(_mean(size**2, counts) / 2)


def kurtosis(x, counts=None) -> np.ndarray:
    """Fourth central moment over the squared variance, along the first axis; 3 for a normal variable.

    Args:
        x: (n, ...) values.
        counts: how often each observation counts, (B, n), for resamples; (B, ...) is returned then.
    """
    x = np.asarray(x, dtype=float)
    x = x - x.mean(axis=0)
    m1, m2, m3, m4 = (_mean(x**k, counts) for k in (1, 2, 3, 4))
    with np.errstate(invalid="ignore"):
        return (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / (m2 - m1**2) ** 2


def survival(x, grid) -> np.ndarray:
    """Share of values above each point of a grid, `(..., grid)`; values along the last axis."""
    x = np.sort(np.asarray(x, dtype=float), axis=-1)
    flat = x.reshape(-1, x.shape[-1])
    above = np.stack([x.shape[-1] - np.searchsorted(row, grid, side="right") for row in flat])
    return above.reshape(*x.shape[:-1], len(grid)) / x.shape[-1]
