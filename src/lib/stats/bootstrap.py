"""Bootstrap intervals of means, ratios and differences of paired samples."""

from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """An estimate with the bounds of its interval and its standard error."""

    value: float
    low: float
    high: float
    se: float


def _bootstrap(samples: tuple, statistic, resamples: int, rng, level: float) -> Interval:
    lengths = {len(sample) for sample in samples}
    if len(lengths) != 1:
        raise ValueError(f"a, b: got lengths {sorted(lengths)}, expected paired samples of one length")
    value = float(statistic(*samples, axis=-1))
    if lengths == {1}:
        return Interval(value, np.nan, np.nan, np.nan)
    found = stats.bootstrap(
        samples, statistic, paired=True, vectorized=True, n_resamples=resamples, method="percentile",
        confidence_level=level, rng=rng,
    )  # fmt: skip
    low, high = found.confidence_interval
    return Interval(value, float(low), float(high), float(found.standard_error))


def mean_interval(a: np.ndarray, *, resamples: int, rng: np.random.Generator, level: float = 0.95) -> Interval:
    """Mean of a sample (n,) with its percentile interval; one value alone has none (NaN)."""
    return _bootstrap((np.asarray(a, float),), np.mean, resamples, rng, level)


def ratio_interval(
    a: np.ndarray, b: np.ndarray, *, resamples: int, rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """Ratio of the means of paired samples, mean(a) / mean(b), resampled in pairs.

    Args:
        a, b: (n,), paired.
        resamples: number of resamples.
        rng: source of randomness.
        level: of the interval.

    Raises:
        ValueError: samples of different lengths.
    """
    return _bootstrap(
        (np.asarray(a, float), np.asarray(b, float)),
        lambda x, y, axis: np.mean(x, axis=axis) / np.mean(y, axis=axis), resamples, rng, level,
    )  # fmt: skip


def difference_interval(
    a: np.ndarray, b: np.ndarray, *, resamples: int, rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """Mean of a - b of paired samples (n,), resampled in pairs.

    Raises:
        ValueError: samples of different lengths.
    """
    if len(a) != len(b):
        raise ValueError(f"a, b: got lengths {[len(a), len(b)]}, expected paired samples of one length")
    return mean_interval(np.asarray(a, float) - np.asarray(b, float), resamples=resamples, rng=rng, level=level)
