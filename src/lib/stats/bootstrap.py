"""Percentile bootstrap: SciPy's for any statistic of paired samples, and weights for statistics of moments."""

from collections.abc import Callable

import numpy as np

from lib.stats.intervals import Estimate, check_level, count_units


def ratio_of_means(a, b, axis: int = 0) -> np.ndarray:
    """mean(a) / mean(b) along an axis."""
    return np.mean(a, axis=axis) / np.mean(b, axis=axis)


def bootstrap(
    statistic: Callable[..., np.ndarray],
    *samples,
    resamples: int,
    rng: np.random.Generator,
    axis: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Estimate of a statistic by resampling units; the units of several samples are paired and drawn together.

    Args:
        statistic: `statistic(*samples, axis=axis)`, such as `np.mean`, `np.median` or `ratio_of_means`.
        samples: arrays of one shape, units along `axis`, at least two.
        resamples: number of resamples.
        rng: source of randomness.
        axis: axis of the units.
        level: confidence level.

    Returns:
        The estimate; `se` is the standard deviation over the resamples.

    Raises:
        ValueError: samples of different shapes, fewer than two units, or a level outside (0, 1).
    """
    samples = tuple(np.asarray(sample, dtype=float) for sample in samples)
    shapes = [sample.shape for sample in samples]
    if len(set(shapes)) != 1:
        raise ValueError(f"samples: got shapes {shapes}, expected paired samples of one shape")
    n = count_units(samples[0], axis, name="samples")
    from scipy import stats  # half a second to import

    result = stats.bootstrap(
        samples,
        statistic,
        paired=True,
        vectorized=True,
        axis=axis,
        n_resamples=resamples,
        method="percentile",
        confidence_level=check_level(level),
        rng=rng,
    )
    return Estimate(statistic(*samples, axis=axis), result.standard_error, *result.confidence_interval, n)


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


def percentile_estimate(value, resampled, n: int, axis: int = 0, level: float = 0.95) -> Estimate:
    """Estimate from the statistic of each resample, for resamples that were drawn elsewhere.

    Args:
        value: the statistic of the sample.
        resampled: the statistic of each resample along `axis`, at least two.
        n: number of units of the sample.
        axis: axis of the resamples.
        level: confidence level.

    Raises:
        ValueError: fewer than two resamples, or a level outside (0, 1).
    """
    resampled = np.asarray(resampled, dtype=float)
    count_units(resampled, axis, name="resampled")
    tail = 100 * (1 - check_level(level)) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=axis)
    return Estimate(np.asarray(value, dtype=float), resampled.std(axis=axis, ddof=1), low, high, n)


def power_law_exponent(x, values, rng: np.random.Generator, *, resamples: int = 2000, level: float = 0.95) -> Estimate:
    """Exponent of a power law in x: least-squares slope of log mean on log x, its interval by resampling units.

    Args:
        x: (P,) positive, two different ones at least.
        values: (..., P, units) positive; units are resampled at each point alike. Leading axes give several exponents.
        rng: source of randomness.
        resamples: number of resamples.
        level: confidence level.

    Returns:
        The estimate of shape (...); NaN where a mean is not positive or not finite.

    Raises:
        ValueError: fewer than two units, or shapes that do not fit.
    """
    x, values = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    if values.shape[-2:-1] != x.shape:
        raise ValueError(f"values: got shape {values.shape}, expected (..., {len(x)}, units)")
    n = count_units(values, -1)
    centred = np.log(x) - np.log(x).mean()
    weights = centred / (centred @ centred)
    counts = bootstrap_counts(n, resamples, rng)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.log(values.mean(axis=-1)) @ weights
        resampled = np.moveaxis(np.log(values @ counts.T / n), -2, -1) @ weights
    return percentile_estimate(slope, resampled, n, axis=-1, level=level)
