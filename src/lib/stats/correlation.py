"""Covariances, correlations with their tests and intervals, mutual information, and least-squares residuals."""

import numpy as np
from scipy import special

from lib.stats.intervals import Estimate, check_level


def covariance(samples, counts=None) -> np.ndarray:
    """Sample covariance, n - 1 in the denominator.

    Args:
        samples: (..., n, D) float64.
        counts: how often each observation counts, (..., n) with sum > 1; from `bootstrap_counts`, the covariances of
            all resamples of one sample (n, D).

    Returns:
        (..., D, D), symmetric.

    Raises:
        ValueError: fewer than two observations.
    """
    samples = np.asarray(samples, dtype=float)
    n, d = samples.shape[-2:]
    if n < 2:
        raise ValueError(f"samples: got {n} observation(s), expected at least two")
    centred = samples - samples.sum(axis=-2, keepdims=True) / n
    if counts is None:
        return np.swapaxes(centred, -1, -2) @ centred / (n - 1)
    counts = np.asarray(counts, dtype=float)
    total = counts.sum(axis=-1)[..., None, None]
    mean = (counts[..., None, :] @ centred) / total
    if centred.ndim == 2:  # one sample: products of all pairs once, then one matrix product for all resamples
        rows, columns = np.triu_indices(d)
        upper = counts @ (centred[:, rows] * centred[:, columns])
        second = np.empty((*counts.shape[:-1], d, d))
        second[..., rows, columns] = second[..., columns, rows] = upper
    else:
        second = np.swapaxes(centred, -1, -2) @ (counts[..., None] * centred)
    return (second - total * np.swapaxes(mean, -1, -2) @ mean) / (total - 1)


def correlation(cov) -> np.ndarray:
    """Correlations (..., D, D) of covariances (..., D, D); the diagonal is exactly one."""
    cov = np.asarray(cov, dtype=float)
    deviation = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    r = cov / (deviation[..., :, None] * deviation[..., None, :])
    index = np.arange(cov.shape[-1])
    r[..., index, index] = 1.0
    return np.clip(r, -1, 1)


def partial_correlation(precision) -> np.ndarray:
    """Partial correlations -P_ij / sqrt(P_ii P_jj), ones on the diagonal.

    Args:
        precision: (..., D, D), symmetric, positive diagonal.
    """
    precision = np.asarray(precision, dtype=float)
    scale = 1 / np.sqrt(np.diagonal(precision, axis1=-2, axis2=-1))
    r = -scale[..., :, None] * precision
    r *= scale[..., None, :]
    np.clip(r, -1, 1, out=r)
    np.einsum("...ii->...i", r)[...] = 1.0
    return r


def residuals(targets, controls) -> np.ndarray:
    """Residuals of least squares with an intercept; controls that depend on each other are allowed.

    Args:
        targets: (..., n, t) float64.
        controls: (..., n, c) float64, c may be 0; leading axes broadcast with those of `targets`.

    Returns:
        (..., n, t).
    """
    targets, controls = np.asarray(targets, dtype=float), np.asarray(controls, dtype=float)
    left = targets - targets.mean(axis=-2, keepdims=True)
    controls = controls - controls.mean(axis=-2, keepdims=True)
    if controls.shape[-1] == 0:
        return np.broadcast_to(left, np.broadcast_shapes(left.shape[:-1], controls.shape[:-1]) + left.shape[-1:])
    basis, size, _ = np.linalg.svd(controls, full_matrices=False)
    basis = basis * (size > size[..., :1] * max(controls.shape[-2:]) * np.finfo(float).eps)[..., None, :]
    for _ in range(2):  # the second projection takes away what rounding left of the first
        left = left - basis @ (np.swapaxes(basis, -1, -2) @ left)
    return left


def estimate_correlation(r, df, level: float = 0.95) -> Estimate:
    """Correlation with Fisher's interval: tanh(atanh(r) -+ z / sqrt(df - 1)).

    Args:
        r: correlations in [-1, 1].
        df: degrees of freedom of their t test, n - 2 less the number of variables held fixed, so that the variance of
            atanh(r) is 1 / (df - 1) = 1 / (n - 3 - held fixed); more than 1.
        level: confidence level.

    Returns:
        The estimate; `se` is (1 - r^2) / sqrt(df - 1), `n` is df + 2.

    Raises:
        ValueError: a correlation outside [-1, 1], df at most 1, or a level outside (0, 1).
    """
    r, df = np.broadcast_arrays(np.asarray(r, dtype=float), np.asarray(df, dtype=float))
    _check_correlations(r)
    if not np.all(df > 1):
        raise ValueError(f"df: got {df.min()}, expected more than 1")
    half = special.ndtri((1 + check_level(level)) / 2) / np.sqrt(df - 1)
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    return Estimate(r, (1 - r**2) / np.sqrt(df - 1), np.tanh(z - half), np.tanh(z + half), df + 2)


def correlation_pvalue(r, df) -> np.ndarray:
    """Two-sided p value of r = 0 under normality, from t = r sqrt(df / (1 - r^2)).

    Args:
        r: correlations in [-1, 1].
        df: degrees of freedom, n - 2 less the number of variables held fixed; more than 0.

    Raises:
        ValueError: a correlation outside [-1, 1], or df not positive.
    """
    r, df = np.broadcast_arrays(np.asarray(r, dtype=float), np.asarray(df, dtype=float))
    _check_correlations(r)
    if not np.all(df > 0):
        raise ValueError(f"df: got {df.min()}, expected more than 0")
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt(df / (1 - r**2))
    return 2 * special.stdtr(df, -t)


def rank_correlation(x, y) -> float:
    """Spearman's correlation of the ranks of two sequences, ties with their mean rank.

    It is not known (NaN) where a number is not finite or one sequence is constant.
    """
    from scipy.stats import rankdata

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def mutual_information(counts) -> np.ndarray:
    """Mutual information in nats of both axes of joint counts `(..., A, B)`: H(A) + H(B) - H(A, B)."""
    counts = np.asarray(counts, dtype=float)
    joint = counts / counts.sum((-2, -1), keepdims=True)
    entropies = special.entr(joint.sum(-2)).sum(-1) + special.entr(joint.sum(-1)).sum(-1)
    return entropies - special.entr(joint).sum((-2, -1))


def _check_correlations(r: np.ndarray) -> None:
    if not np.all(np.abs(r) <= 1):
        bad = r[~(np.abs(r) <= 1)].flat[0]
        raise ValueError(f"r: got {bad}, expected correlations between -1 and 1")
