"""Estimates with standard errors and confidence intervals.

Each function takes one value for each independent unit (a seed, a teacher, a clip, a simulated data set) and returns an
`Estimate`. The units lie along `axis`, which may be several axes; all other axes are kept, so that the estimates of a
whole table are one call. An interval of an arbitrary statistic is in `lib.stats.bootstrap`, that of a correlation in
`lib.stats.correlation`.

`scipy.stats` takes half a second to import and is not needed here: quantiles come from `scipy.special`.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from scipy import special


class Estimate(NamedTuple):
    """An estimate with its standard error, the ends of its confidence interval and the number of units behind it.

    `value`, `se`, `low` and `high` are numbers or arrays of one shape.
    """

    value: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def check_level(level: float) -> float:
    """Return a confidence level.

    Raises:
        ValueError: it is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: got {level}, expected a number between 0 and 1")
    return level


def count_units(values: np.ndarray, axis: int | tuple[int, ...], least: int = 2, name: str = "values") -> int:
    """Return the number of units along one axis or several.

    Raises:
        ValueError: fewer than `least` units, or an axis that the values do not have.
    """
    axes = axis if isinstance(axis, tuple) else (axis,)
    if any(not -values.ndim <= a < values.ndim for a in axes):
        raise ValueError(f"{name}: got shape {values.shape}, expected units along axis {axis}")
    n = int(np.prod([values.shape[a] for a in axes]))
    if n < least:
        raise ValueError(f"{name}: got {n} unit(s), expected at least {least}")
    return n


def standard_error(values, axis: int | tuple[int, ...] = 0) -> np.ndarray:
    """Standard error of the mean: standard deviation (n - 1 in the denominator) over sqrt(n).

    Raises:
        ValueError: fewer than two units.
    """
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis)
    return values.std(axis=axis, ddof=1) / np.sqrt(n)


def student_quantile(df: float, level: float) -> float:
    """Half the width of Student's interval in standard errors."""
    return special.stdtrit(df, (1 + check_level(level)) / 2)


def estimate_mean(values, axis: int | tuple[int, ...] = 0, level: float = 0.95) -> Estimate:
    """Mean with Student's interval.

    Args:
        values: independent units along `axis`, at least two.
        axis: axis or axes of the units.
        level: confidence level.

    Raises:
        ValueError: fewer than two units, or a level outside (0, 1).
    """
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis)
    return estimate_from_error(values.mean(axis=axis), standard_error(values, axis), n, level)


def estimate_from_error(value, se, n, level: float = 0.95) -> Estimate:
    """Estimate with Student's interval from a standard error that is known already.

    Args:
        value, se: statistic and standard error, numbers or arrays of one shape.
        n: number of units, at least two; an array where the estimates have different ones.
        level: confidence level.

    Raises:
        ValueError: a level outside (0, 1).
    """
    half = student_quantile(n - 1, level) * se
    return Estimate(value, se, value - half, value + half, n)


def estimate_difference(a, b, axis: int | tuple[int, ...] = 0, level: float = 0.95) -> Estimate:
    """Mean of a - b over paired units, with Student's interval of the paired comparison.

    Args:
        a, b: arrays of one shape, units along `axis`, at least two.
        axis: axis or axes of the units.
        level: confidence level.

    Raises:
        ValueError: different shapes, fewer than two units, or a level outside (0, 1).
    """
    a, b = check_pairs(a, b)
    return estimate_mean(a - b, axis, level)


def check_pairs(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Return paired samples as float64 arrays.

    Raises:
        ValueError: different shapes.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"a, b: got shapes {a.shape} and {b.shape}, expected paired samples of one shape")
    return a, b


def estimate_root_mean_square(errors, axis: int | tuple[int, ...] = 0, level: float = 0.95) -> Estimate:
    """Root mean square, its standard error by the delta method, and the root of Student's interval of the mean square.

    Args:
        errors: independent errors along `axis`, at least two; signs do not matter.
        axis: axis or axes of the units.
        level: confidence level.

    Returns:
        The estimate; where the interval of the mean square reaches below zero, `low` is zero.

    Raises:
        ValueError: fewer than two units, or a level outside (0, 1).
    """
    mean, se, low, high, n = estimate_mean(np.asarray(errors, dtype=float) ** 2, axis, level)
    root = np.sqrt(mean)
    root_se = np.divide(se, 2 * root, out=np.zeros_like(se), where=root > 0)
    return Estimate(root, root_se, np.sqrt(np.maximum(low, 0)), np.sqrt(high), n)


def estimate_ratio(a, b, axis: int | tuple[int, ...] = 0, level: float = 0.95) -> Estimate:
    """Ratio of the means of paired samples, mean(a) / mean(b), with Fieller's interval.

    The interval holds all r for which Student's test accepts mean(a - r b) = 0. The standard error is that of the
    delta method.

    Args:
        a, b: arrays of one shape, units along `axis`, at least two.
        axis: axis or axes of the units.
        level: confidence level.

    Returns:
        The estimate; where mean(b) itself is not significantly different from zero, no finite interval has the level,
        and the ends are infinite.

    Raises:
        ValueError: different shapes, fewer than two units, or a level outside (0, 1).

    Source: Fieller 1954, Journal of the Royal Statistical Society B 16, 175.
    """
    a, b = check_pairs(a, b)
    n = count_units(a, axis, name="a, b")
    mean_a, mean_b = a.mean(axis=axis, keepdims=True), b.mean(axis=axis, keepdims=True)
    scale = n * (n - 1)
    v_aa, v_ab, v_bb = (np.sum(x * y, axis=axis) / scale for x, y in _pairs(a - mean_a, b - mean_b))
    mean_a, mean_b = mean_a.squeeze(axis), mean_b.squeeze(axis)
    t2 = student_quantile(n - 1, level) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        r = mean_a / mean_b
        se = np.sqrt(v_aa - 2 * r * v_ab + r**2 * v_bb) / np.abs(mean_b)
    # roots of (mean_a - r mean_b)^2 = t^2 (v_aa - 2 r v_ab + r^2 v_bb)
    square, middle, constant = mean_b**2 - t2 * v_bb, mean_a * mean_b - t2 * v_ab, mean_a**2 - t2 * v_aa
    bounded = square > 0
    safe = np.where(bounded, square, 1.0)
    half = np.sqrt(np.maximum(middle**2 - square * constant, 0))
    low = np.where(bounded, (middle - half) / safe, -np.inf)
    high = np.where(bounded, (middle + half) / safe, np.inf)
    return Estimate(r, se, low[()], high[()], n)


def _pairs(x: np.ndarray, y: np.ndarray) -> tuple:
    return (x, x), (x, y), (y, y)


def estimate_median(values, axis: int | tuple[int, ...] = 0, level: float = 0.95) -> Estimate:
    """Median with the interval between two order statistics, which covers at least at its level for any distribution.

    The ends are the k-th smallest and the k-th largest value, with the largest k that keeps the level. The standard
    error is the interval's width over that of a normal estimate with the same coverage (McKean and Schrader).

    Args:
        values: independent units along `axis`; six at least for a level of 0.95, because with fewer not even the
            smallest and the largest value enclose the median often enough.
        axis: axis or axes of the units.
        level: confidence level.

    Raises:
        ValueError: too few units for the level, or a level outside (0, 1).

    Source: McKean and Schrader 1984, Communications in Statistics - Simulation and Computation 13, 751.
    """
    least = max(2, int(np.ceil(1 - np.log2(1 - check_level(level)))))
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis, least)
    axes = axis if isinstance(axis, tuple) else (axis,)
    values = np.moveaxis(values, axes, range(len(axes)))
    values = np.sort(values.reshape(n, *values.shape[len(axes) :]), axis=0)
    outside = 2 * special.bdtr(np.arange(n // 2), n, 0.5)  # chance that the median lies outside, for k = 1, 2, ...
    k = max(1, int(np.sum(outside <= 1 - level)))
    low, high = values[k - 1], values[n - k]
    se = (high - low) / (2 * special.ndtri(1 - outside[k - 1] / 2))
    return Estimate(np.median(values, axis=0), se, low, high, n)


def estimate_median_of_normal(values, axis: int = 0, level: float = 0.95) -> Estimate:
    """Median of a few units, two at least, with Student's interval of a normal sample.

    The standard error is sqrt(pi / 2) times that of the mean: the factor of large samples, a little too large for small
    ones (1.16 for three units). With six units and more `estimate_median` needs no normal distribution.

    Args:
        values: independent units along `axis`, at least two.
        axis: axis of the units.
        level: confidence level.

    Raises:
        ValueError: fewer than two units, or a level outside (0, 1).
    """
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis)
    return estimate_from_error(np.median(values, axis), np.sqrt(np.pi / 2) * standard_error(values, axis), n, level)


def estimate_quantile(values, share: float, axis: int = 0, level: float = 0.95) -> Estimate:
    """Quantile with the interval between two order statistics, which covers at least at its level for any distribution.

    An end is infinite where too few values lie beyond the quantile. The standard error is not known (NaN).

    Args:
        values: independent units along `axis`.
        share: of the distribution below the quantile.
        axis: axis of the units.
        level: confidence level.

    Raises:
        ValueError: fewer than two units, a share outside (0, 1), or a level outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share: got {share}, expected a number between 0 and 1")
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis)
    ordered = np.sort(np.moveaxis(values, axis, 0), axis=0)
    ends = np.full_like(ordered[:1], np.inf)
    ordered = np.concatenate([-ends, ordered, ends])
    at_most = special.bdtr(np.arange(n), n, share)  # chance that so many values, or fewer, lie below the quantile
    tail = (1 - check_level(level)) / 2
    low, high = np.sum(at_most <= tail), np.sum(at_most < 1 - tail) + 1
    value = np.quantile(values, share, axis=axis)
    return Estimate(value, np.full_like(value, np.nan), ordered[low], ordered[high], n)


def estimate_lower_end(values, axis: int = 0, level: float = 0.95) -> Estimate:
    """Lower end of a distribution, such as the time of a call that nothing disturbs, by the smallest value.

    Where the density at the end is not zero, the true end lies between x1 - (x2 - x1) level / (1 - level) and x1 with
    the chance `level`, x1 and x2 the two smallest values. The standard error is not known (NaN).

    Args:
        values: independent units along `axis`, at least two.
        axis: axis of the units.
        level: confidence level.

    Raises:
        ValueError: fewer than two units, or a level outside (0, 1).

    Source: Robson and Whitlock 1964, Biometrika 51, 33.
    """
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis)
    least, second = np.moveaxis(np.sort(values, axis=axis), axis, 0)[:2]
    low = least - (second - least) * check_level(level) / (1 - level)
    return Estimate(least, np.full_like(least, np.nan), low, least, n)


def binomial_error(share, trials) -> np.ndarray:
    """Standard error sqrt(p (1 - p) / n) of a share of independent trials."""
    return np.sqrt(share * (1 - share) / trials)


def clopper_pearson(hits, trials, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the exact two-sided interval of a proportion that fails with probability at most `error`.

    Args:
        hits: counts between 0 and `trials`, any shape.
        trials: at least 1.
        error: 1 - level.

    Raises:
        ValueError: no trials, counts outside [0, trials], or an error outside (0, 1).
    """
    hits, trials = np.asarray(hits), np.asarray(trials)
    if not np.all(trials >= 1):
        raise ValueError(f"trials: got {trials.min()}, expected at least 1")
    if not np.all((hits >= 0) & (hits <= trials)):
        raise ValueError(f"hits: got {hits.min()} to {hits.max()}, expected counts between 0 and {trials.max()}")
    if not 0 < error < 1:
        raise ValueError(f"error: got {error}, expected a number between 0 and 1")
    with np.errstate(invalid="ignore"):
        low = np.where(hits > 0, special.betaincinv(np.maximum(hits, 1), trials - hits + 1, error / 2), 0.0)
        high = np.where(hits < trials, special.betaincinv(hits + 1, np.maximum(trials - hits, 1), 1 - error / 2), 1.0)
    return low[()], high[()]


def estimate_proportion(hits, trials, level: float = 0.95) -> Estimate:
    """Share of independent trials that hit, with the exact interval of Clopper and Pearson.

    Args:
        hits: counts, any shape.
        trials: number of trials, at least 1; an array where the shares have different ones.
        level: confidence level; the interval covers at least at this level for every true share.

    Raises:
        ValueError: no trials, counts outside [0, trials], or a level outside (0, 1).
    """
    low, high = clopper_pearson(hits, trials, 1 - check_level(level))
    share = np.asarray(hits) / trials
    return Estimate(share, binomial_error(share, trials), low, high, trials)


def estimate_count(counts, level: float = 0.95) -> Estimate:
    """Expected number of rare events behind each count, with Garwood's exact interval of a Poisson mean.

    Args:
        counts: numbers of events, any shape.
        level: confidence level; the interval covers at least at this level for every mean.

    Raises:
        ValueError: a negative count, or a level outside (0, 1).

    Source: Garwood 1936, Biometrika 28, 437.
    """
    counts = np.asarray(counts)
    if np.any(counts < 0):
        raise ValueError(f"counts: got {counts.min()}, expected at least 0")
    tail = (1 - check_level(level)) / 2
    low, high = special.gammaincinv(counts, tail), special.gammaincinv(counts + 1, 1 - tail)
    return Estimate(counts, np.sqrt(counts), np.where(counts == 0, 0.0, low)[()], high, 1)


def side_by_side(estimates: Iterable[Estimate]) -> Estimate:
    """Several estimates as one of arrays, their numbers of units too."""
    return Estimate(*(np.array(column) for column in zip(*estimates)))


def end_of(estimate: Estimate, end: str) -> Estimate:
    """An end of an interval (`low` or `high`) as the value, for a rule on the bound itself; error and interval stay."""
    return estimate._replace(value=getattr(estimate, end))


def difference_of(first: Estimate, second: Estimate) -> Estimate:
    """Difference of two independent estimates, first - second, with the ends recovered from those of both.

    The distances from each value to its ends add in squares. Unlike an interval by the standard errors alone, that of
    two shares keeps its width where both are zero or one.

    Source: Zou and Donner 2008, Statistics in Medicine 27, 1693.
    """
    value = first.value - second.value
    low = value - np.hypot(first.value - first.low, second.high - second.value)
    high = value + np.hypot(first.high - first.value, second.value - second.low)
    return Estimate(value, np.hypot(first.se, second.se), low, high, first.n + second.n)


def mean_of(estimates: Estimate) -> Estimate:
    """Mean over the last axis of independent estimates, with the ends recovered from theirs as in `difference_of`."""
    value, se, low, high, n = estimates
    mean, count = np.mean(value, axis=-1), np.shape(value)[-1]
    error, below, above = (np.linalg.norm(x, axis=-1) / count for x in (se, value - low, high - value))
    return Estimate(mean, error, mean - below, mean + above, count * n)


def extreme_of(estimates: Estimate, choose: Callable = np.max) -> Estimate:
    """Largest of a list of estimates, or smallest (`choose`); its interval covers where those of all items do.

    Its ends are the extremes of the lower and of the upper ends, its standard error is that of the item.
    """
    value, se, low, high, n = estimates
    chosen = choose(value)
    error = se[np.argmax(value == chosen)] if np.isfinite(chosen) else np.nan
    return Estimate(chosen, error, choose(low), choose(high), n)


def ratio_of(first: Estimate, second: Estimate) -> Estimate:
    """Ratio of two independent estimates of positive quantities, with the ends recovered from those of both.

    The logarithms are subtracted as in `difference_of`; an end that is zero or infinite makes that of the ratio so. The
    standard error is that of the delta method.
    """
    value = first.value / second.value
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = (Estimate(*np.log(estimate[:4]), estimate.n) for estimate in (first, second))
        difference = difference_of(*logs)
        se = value * np.hypot(first.se / first.value, second.se / second.value)
    return Estimate(value, se, np.exp(difference.low), np.exp(difference.high), difference.n)


def estimate_each(values, axis: int = 0, level: float = 0.95, *, positive: bool = False) -> Estimate:
    """Each unit's own value, with the spread of all units as the error of that single draw.

    Args:
        values: independent units along `axis`; a value that is not finite leaves no error to any of its row.
        axis: axis of the units, which is kept.
        level: confidence level.
        positive: take the spread of logarithms, for positive values whose error is relative, such as waiting times.

    Returns:
        The estimates, of the shape of `values`; of a single unit the error is not known (NaN).

    Raises:
        ValueError: no unit, or a level outside (0, 1).
    """
    values = np.asarray(values, dtype=float)
    n = count_units(values, axis, 1)
    if n == 1:
        return without_error(values, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.log(values) if positive else values
        se = np.broadcast_to(scale.std(axis=axis, ddof=1, keepdims=True), values.shape)
        half = student_quantile(n - 1, level) * se
        if positive:
            return Estimate(values, values * se, values * np.exp(-half), values * np.exp(half), n)
        return Estimate(values, se, values - half, values + half, n)


def without_error(value, n: int) -> Estimate:
    """A statistic whose error its units do not tell (an extreme, a confidence bound): error and ends are NaN."""
    value = np.asarray(value, dtype=float)
    unknown = np.full_like(value, np.nan)
    return Estimate(value, unknown, unknown, unknown, n)


def magnitude_of(estimate: Estimate) -> Estimate:
    """Absolute value of an estimate, with the image of its interval."""
    value, se, low, high, n = estimate
    ends = np.abs([low, high])
    inside = np.where((low <= 0) & (high >= 0), 0.0, ends.min(axis=0))
    return Estimate(np.abs(value), se, inside[()], ends.max(axis=0), n)


def estimate_slope(x, y, level: float = 0.95) -> Estimate:
    """Least-squares slope of y on x with Student's interval; of logarithms, the exponent of a power law.

    Args:
        x: (n,), at least three points and not all equal.
        y: (n,) or (n, K) for K slopes at once.
        level: confidence level.

    Raises:
        ValueError: fewer than three points, equal x, other lengths, or a level outside (0, 1).
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or len(x) < 3:
        raise ValueError(f"x: got shape {x.shape}, expected at least 3 points")
    if y.shape[:1] != x.shape:
        raise ValueError(f"y: got shape {y.shape}, expected {len(x)} values, as many as x")
    if np.ptp(x) == 0:
        raise ValueError(f"x: got {x[0]} alone, expected at least two different points")
    coefficients, covariance = np.polyfit(x, y, 1, cov=True)
    slope, se = coefficients[0], np.sqrt(covariance[0, 0])
    half = student_quantile(len(x) - 2, level) * se
    return Estimate(slope, se, slope - half, slope + half, len(x))


def estimate_about_power_law(x, y, level: float = 0.95) -> Estimate:
    """Each of N values, with the scatter about a fitted power of x as its relative error.

    It is not known (NaN) unless all values are positive.

    Args:
        x, y: (N,), at least three points, x positive.
        level: confidence level.

    Raises:
        ValueError: fewer than three points, or a level outside (0, 1).
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < 3:
        raise ValueError(f"x: got {len(x)} values, expected at least 3")
    if not (y > 0).all():
        return without_error(y, len(x))
    log_x, log_y = np.log(x), np.log(y)
    residuals = log_y - np.polyval(np.polyfit(log_x, log_y, 1), log_x)
    df = len(x) - 2
    error = np.sqrt(np.sum(residuals**2) / df)
    factor = np.exp(student_quantile(df, level) * error)
    return Estimate(y, y * error, y / factor, y * factor, len(x))
