"""Shrinkage of covariances after Schäfer and Strimmer (2005) and Opgen-Rhein and Strimmer (2007).

Correlations are shrunk to the identity and variances to their median, each by an intensity that is estimated from the
data. The functions work over leading axes; `lib.stats.covariance.SchaferStrimmer` is the estimator.
"""

from typing import NamedTuple

import numpy as np


class Shrunk(NamedTuple):
    """A shrunk covariance (..., D, D) with its two intensities (...)."""

    covariance: np.ndarray
    shrinkage: np.ndarray
    variance_shrinkage: np.ndarray


class ShrunkFactors(NamedTuple):
    """A shrunk covariance as scale (lambda I + (1 - lambda) Z^T Z / (n - 1)) scale.

    Args:
        scale: shrunk standard deviations (..., D).
        standardised: Z, (..., n, D).
        shrinkage: lambda of the correlations (...).
        variance_shrinkage: lambda of the variances (...).
    """

    scale: np.ndarray
    standardised: np.ndarray
    shrinkage: np.ndarray
    variance_shrinkage: np.ndarray


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The ratio clipped to [0, 1]; where nothing is left to shrink, one."""
    return np.clip(np.divide(above, below, out=np.ones_like(above), where=below > 0), 0, 1)


def estimate_correlation_shrinkage(standardised) -> np.ndarray:
    """Intensity for correlations: sum of Var(R_ij) over sum of R_ij^2, i != j, clipped to [0, 1].

    The sums over pairs are taken through the n x n Gram matrix when it is the smaller one, in O(n D min(n, D)) and
    without the n x D x D products.

    Args:
        standardised: columns of mean 0 and variance 1 (n - 1 in the denominator), (..., n, D).
    """
    z = np.asarray(standardised, dtype=float)
    n, d = z.shape[-2:]
    squared = z**2
    gram = z @ np.swapaxes(z, -1, -2) if n < d else np.swapaxes(z, -1, -2) @ z
    # over all pairs, i = j included: sum of w^2 over k, and n times the squared mean
    fourth = np.sum(squared.sum(axis=-1) ** 2, axis=-1) - np.sum(squared**2, axis=(-2, -1))
    mean_squared = (np.sum(gram**2, axis=(-2, -1)) - np.sum(squared.sum(axis=-2) ** 2, axis=-1)) / n**2
    variance = n / (n - 1) ** 3 * (fourth - n * mean_squared)
    return _ratio(variance, (n / (n - 1)) ** 2 * mean_squared)


def estimate_variance_shrinkage(samples) -> np.ndarray:
    """Intensity for variances: sum of Var(s_i) over sum of (s_i - median)^2, clipped to [0, 1].

    Args:
        samples: (..., n, D).
    """
    samples = np.asarray(samples, dtype=float)
    n = samples.shape[-2]
    w = (samples - samples.mean(axis=-2, keepdims=True)) ** 2
    mean = w.mean(axis=-2, keepdims=True)
    variance = n / (n - 1) * mean[..., 0, :]
    error = n / (n - 1) ** 3 * np.sum((w - mean) ** 2, axis=(-2, -1))
    return _ratio(error, np.sum((variance - np.median(variance, axis=-1, keepdims=True)) ** 2, axis=-1))


def _intensity(name: str, given, estimated) -> np.ndarray:
    if given is None:
        return np.asarray(estimated())
    if not np.all((np.asarray(given) >= 0) & (np.asarray(given) <= 1)):
        raise ValueError(f"{name}: got {given}, expected a number between 0 and 1")
    return np.asarray(given, dtype=float)


def shrink_factors(samples, shrinkage=None, variance_shrinkage=None) -> ShrunkFactors:
    """Shrunk covariance in factored form, in O(n D min(n, D)); for D in the thousands.

    Args:
        samples: (..., n, D) float64, n at least 3, no constant column.
        shrinkage: intensity for the correlations in [0, 1]; estimated where it is None.
        variance_shrinkage: intensity for the variances in [0, 1]; estimated where it is None.

    Raises:
        ValueError: too few observations, a constant column, or an intensity outside [0, 1].
    """
    samples = np.asarray(samples, dtype=float)
    if samples.ndim < 2 or samples.shape[-2] < 3:
        raise ValueError(f"samples: got shape {samples.shape}, expected (..., n, D) with n at least 3")
    n = samples.shape[-2]
    centred = samples - samples.mean(axis=-2, keepdims=True)
    variance = np.sum(centred**2, axis=-2) / (n - 1)
    if not np.all(variance > 0):
        raise ValueError(f"samples: got a constant column (index {np.argwhere(~(variance > 0))[0][-1]}), expected none")
    standardised = centred / np.sqrt(variance)[..., None, :]
    lam = _intensity("shrinkage", shrinkage, lambda: estimate_correlation_shrinkage(standardised))
    lam_var = _intensity("variance_shrinkage", variance_shrinkage, lambda: estimate_variance_shrinkage(samples))
    median = np.median(variance, axis=-1, keepdims=True)
    scale = np.sqrt(lam_var[..., None] * median + (1 - lam_var[..., None]) * variance)
    return ShrunkFactors(scale, standardised, lam, lam_var)


def shrink(samples, shrinkage=None, variance_shrinkage=None) -> Shrunk:
    """Shrunk covariance; arguments and errors as for `shrink_factors`.

    Returns:
        Covariance (..., D, D) and both intensities.
    """
    scale, z, lam, lam_var = shrink_factors(samples, shrinkage, variance_shrinkage)
    n, d = z.shape[-2:]
    r = (1 - lam)[..., None, None] * (np.swapaxes(z, -1, -2) @ z) / (n - 1)
    r[..., np.arange(d), np.arange(d)] = 1.0
    return Shrunk(r * scale[..., :, None] * scale[..., None, :], lam, lam_var)


def shrunk_precision(factors: ShrunkFactors) -> np.ndarray:
    """Inverse of a shrunk covariance by Woodbury's identity, an n x n system instead of a D x D one.

    Args:
        factors: from `shrink_factors`, with shrinkage > 0.

    Returns:
        (..., D, D).

    Raises:
        ValueError: shrinkage is 0, where the inverse has no such form.
    """
    scale, z, lam, _ = factors
    if not np.all(lam > 0):
        raise ValueError("shrinkage: got 0, expected more than 0 for Woodbury's identity")
    n, d = z.shape[-2:]
    lam = lam[..., None, None]
    # lam I + (1 - lam) Z^T Z / (n - 1): its inverse is (I - Z^T K^-1 Z) / lam with the n x n matrix K
    inner = lam * (n - 1) / np.where(lam < 1, 1 - lam, 1) * np.eye(n) + z @ np.swapaxes(z, -1, -2)
    root = np.linalg.cholesky(inner)
    half = np.linalg.solve(root, z)
    inverse = -np.where(lam < 1, 1.0, 0.0) * (np.swapaxes(half, -1, -2) @ half)
    inverse[..., np.arange(d), np.arange(d)] += 1
    return inverse / lam / (scale[..., :, None] * scale[..., None, :])
