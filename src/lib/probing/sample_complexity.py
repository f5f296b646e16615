"""At how many samples the mean error of a classifier falls below a target: search on a grid, crossing, interval."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.stats.bootstrap import bootstrap_counts, percentile_estimate
from lib.stats.intervals import Estimate, standard_error

CLEAR = 3.0  # standard errors
STRIDE = 6  # sizes of the grid that the search passes over at once


def geometric_sizes(first: int, last: int, ratio: float) -> np.ndarray:
    """Whole numbers from first to at least last, each the one before times the ratio, rounded, or one more.

    Raises:
        ValueError: a first size below 1, or a ratio not above 1.
    """
    if first < 1 or not ratio > 1:
        raise ValueError(f"first, ratio: got {first} and {ratio}, expected at least 1 and more than 1")
    sizes = [first]
    while sizes[-1] < last:
        sizes.append(max(sizes[-1] + 1, round(sizes[-1] * ratio)))
    return np.array(sizes)


class ErrorCurve(NamedTuple):
    """Errors (draws, sizes) of independent training sets of each size, NaN where none was drawn, and the sizes."""

    sizes: np.ndarray
    errors: np.ndarray

    @property
    def complete(self) -> np.ndarray:
        """Sizes (S,) at which every draw was made, as truths."""
        return ~np.isnan(self.errors).any(axis=0)


def search_crossing(
    error: Callable[[int, int], float], target: float, sizes, *, few: int, many: int, beside: int = 2
) -> ErrorCurve:
    """Find the first size of a grid at which the mean error is below a target, and draw more around it.

    Sizes grow in strides until one is below the target, so that none far above the crossing is tried; then it bisects.

    Args:
        error: of a training set, a function of its size and of the number of the draw.
        target: level of the mean error.
        sizes: increasing grid.
        few: draws of each size that the search looks at.
        many: draws of the sizes around the crossing, at least `few`.
        beside: sizes on each side of it that get `many` draws, at least; the window grows until its ends are `CLEAR`
            standard errors off the target, or the grid ends, so that resamples of the draws cross within it.

    Returns:
        The curve. Where even the last size is not below the target, the crossing of the curve is infinite.
    """
    sizes = np.asarray(sizes)
    errors = np.full((many, len(sizes)), np.nan)

    def mean_at(place: int, draws: int) -> float:
        for draw in np.flatnonzero(np.isnan(errors[:draws, place])):
            errors[draw, place] = error(int(sizes[place]), int(draw))
        return errors[:draws, place].mean()

    low, high, last = -1, 0, len(sizes) - 1  # the mean error is not below at low, is below at high
    while not mean_at(high, few) < target:
        if high == last:
            mean_at(high, many)
            return ErrorCurve(sizes, errors)
        low, high = high, min(high + STRIDE, last)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mean_at(middle, few) < target else (middle, high)
    left, right = max(high - 1 - beside, 0), min(high + beside, last)
    for place in range(left, right + 1):
        mean_at(place, many)

    def clear(place: int, side: int) -> bool:
        distance = side * (mean_at(place, many) - target)
        return distance > CLEAR * standard_error(errors[:, place])

    while left > 0 and not clear(left, 1):
        left -= 1
    while right < last and not clear(right, -1):
        right += 1
    mean_at(left, many), mean_at(right, many)
    return ErrorCurve(sizes, errors)


def crossing(sizes, means, target: float) -> np.ndarray:
    """First size at which a mean error is below a target, interpolated linearly in the logarithm of the size.

    Args:
        sizes: (S,) increasing.
        means: (..., S) mean errors; leading axes give several crossings.
        target: level.

    Returns:
        (...) the first size where it is below from the start, infinity where it never is, NaN where a mean is.
    """
    logs, means = np.log(sizes), np.asarray(means, dtype=float)
    below = means < target
    first = np.argmax(below, axis=-1)
    before = np.maximum(first - 1, 0)
    high, low = (np.take_along_axis(means, place[..., None], -1)[..., 0] for place in (before, first))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (high - target) / (high - low)
        value = np.exp(logs[before] + share * (logs[first] - logs[before]))
    value = np.where(first == 0, np.exp(logs[0]), value)
    value = np.where(below.any(axis=-1), value, np.inf)
    return np.where(np.isnan(means).any(axis=-1), np.nan, value)


class Crossing(NamedTuple):
    """Crossing of the mean error of a curve, of each resample of its draws (B,), and the number of draws."""

    value: float
    resampled: np.ndarray
    draws: int


def resample_crossing(curve: ErrorCurve, target: float, rng: np.random.Generator, resamples: int = 2000) -> Crossing:
    """Crossing of the mean of all draws, and of resamples of the draws, over the sizes at which all draws were made."""
    chosen = curve.complete
    sizes, errors = curve.sizes[chosen], curve.errors[:, chosen]
    if not len(sizes):
        return Crossing(np.nan, np.full(resamples, np.nan), len(errors))
    weights = bootstrap_counts(len(errors), resamples, rng) / len(errors)
    return Crossing(
        float(crossing(sizes, errors.mean(axis=0), target)), crossing(sizes, weights @ errors, target), len(errors)
    )


def estimate_of(statistic: Callable[..., np.ndarray], *crossings: Crossing) -> Estimate:
    """A statistic of crossings, its interval by the resamples of each; all are of equally many draws.

    Args:
        statistic: function of numbers, or of arrays (B,), one for each crossing.
        crossings: their resamples are independent unless they were drawn by one generator state.
    """
    value = statistic(*(one.value for one in crossings))
    resampled = statistic(*(one.resampled for one in crossings))
    return percentile_estimate(value, resampled, min(one.draws for one in crossings))


def log_slope(sizes, values: list) -> np.ndarray:
    """Least-squares slope of log values on log sizes; each value a number or an array (B,)."""
    centred = np.log(sizes) - np.log(sizes).mean()
    return sum(c * np.log(value) for c, value in zip(centred / (centred @ centred), values))


def first_below(error: Callable[[int, int], float], target: float, sizes, search: int) -> float:
    """The authors' search: the first size whose one training set errs below the target; infinity where none does."""
    return float(next((size for size in sizes if error(int(size), search) < target), np.inf))
