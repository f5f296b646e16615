"""Confidence intervals of means and correlations, and the bootstrap weights for statistics of moments.

A single proportion has its interval in SciPy: `scipy.stats.binomtest(k, n).proportion_ci(method="wilson")`; a general
statistic of one sample has `scipy.stats.bootstrap`.
"""

from typing import NamedTuple

import numpy as np
from scipy import special  # `scipy.stats` takes a second to import


class Interval(NamedTuple):
    """An estimate with the ends of its confidence interval, arrays of one shape."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def check_level(level: float) -> float:
    """Return a confidence level.

    Raises:
        ValueError: it is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: got {level}, expected a number between 0 and 1")
    return level


def mean_interval(values, axis: int = 0, level: float = 0.95) -> Interval:
    """Mean with Student's interval; of paired differences, it is the interval of the paired comparison.

    Args:
        values: numbers, independent along `axis`.
        axis: axis of the repetitions; at least two.
        level: confidence level.

    Returns:
        Mean and ends, of the shape of `values` without `axis`.

    Raises:
        ValueError: fewer than two repetitions, or a level outside (0, 1).
    """
    values = np.asarray(values, dtype=float)
    count = values.shape[axis] if values.ndim else 0
    if count < 2:
        raise ValueError(f"values: got {count} repetition(s), expected at least two")
    mean = values.mean(axis=axis)
    half = special.stdtrit(count - 1, (1 + check_level(level)) / 2) * values.std(axis=axis, ddof=1) / np.sqrt(count)
    return Interval(mean, mean - half, mean + half)


def percentile_interval(value, resampled, axis: int = 0, level: float = 0.95) -> Interval:
    """Percentile bootstrap interval.

    Args:
        value: the statistic of the sample.
        resampled: the statistic of each resample along `axis`.
        axis: axis of the resamples.
        level: confidence level.

    Raises:
        ValueError: a level outside (0, 1).
    """
    tail = 100 * (1 - check_level(level)) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=axis)
    return Interval(np.asarray(value, dtype=float), low, high)


def bootstrap_counts(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n observations is drawn in each resample.

    A statistic of moments takes them as weights, so that all resamples are one matrix product instead of a copy of the
    sample for each.

    Args:
        n: number of observations.
        resamples: number of resamples B.
        rng: random generator.

    Returns:
        Counts (B, n), float64, each row of sum n.

    Raises:
        ValueError: a size below one.
    """
    if n < 1 or resamples < 1:
        raise ValueError(f"n, resamples: got {n} and {resamples}, expected at least 1")
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)


def correlation_interval(r, df, level: float = 0.95) -> Interval:
    """Fisher's interval of a correlation: tanh(atanh(r) -+ z / sqrt(df - 1)).

    Args:
        r: correlations in [-1, 1].
        df: degrees of freedom of their t test, n - 2 less the number of variables held fixed, so that the variance of
            atanh(r) is 1 / (df - 1) = 1 / (n - 3 - held fixed); more than 1.
        level: confidence level.

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
    return Interval(r, np.tanh(z - half), np.tanh(z + half))


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


def critical_correlation(level: float, df: float) -> float:
    """Smallest |r| whose two-sided p value is at most `level`."""
    t = -special.stdtrit(df, check_level(level) / 2)
    return float(t / np.sqrt(df + t**2))


def _check_correlations(r: np.ndarray) -> None:
    if not np.all(np.abs(r) <= 1):
        bad = r[~(np.abs(r) <= 1)].flat[0]
        raise ValueError(f"r: got {bad}, expected correlations between -1 and 1")
