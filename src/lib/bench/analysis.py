"""What measured times say: selection, crossing, bounds; without torch, so that figures start fast."""

import numpy as np
import xarray as xr

from lib.stats.intervals import (
    Estimate,
    estimate_lower_end,
    estimate_median,
    estimate_slope,
    ratio_of,
    without_error,
)


def _cases(table: xr.Dataset, operator: str, way: str) -> xr.Dataset:
    """Cases of one operator and pass by rising tokens, of the batch, heads and width of the table's first case."""
    rows = (table["operator"] == operator) & (table["pass"] == way)
    for name in ("batch", "heads", "width"):
        rows = rows & (table[name] == table[name][0])
    return table.isel(case=np.flatnonzero(rows.values)).sortby("tokens")


def times_of(table: xr.Dataset, operator: str, way: str, statistic: str = "min") -> tuple[np.ndarray, np.ndarray]:
    """Tokens in rising order, and the smallest time in ms, of one operator and pass.

    Args:
        table: of `measure`.
        operator, way: which.
        statistic: `min`, `median` or `max` over the repeats.

    Only cases with the batch, heads and width of the table's first case count.
    """
    cases = _cases(table, operator, way)
    values = cases.time_ms.min("repeat") if statistic == "min" else getattr(cases.time_ms, statistic)("repeat")
    return cases.tokens.values, values.values.astype(float)


def least_time(repeats) -> Estimate:
    """Time of a call that nothing disturbs, by the smallest of the repeats along the last axis; one has no error."""
    repeats = np.asarray(repeats, dtype=float)
    if repeats.shape[-1] == 1:
        return without_error(repeats[..., 0], 1)
    value, se, low, high, n = estimate_lower_end(repeats, axis=-1)
    return Estimate(value, se, np.maximum(low, 0), high, n)


def median_time(repeats) -> Estimate:
    """Median of the repeats along the last axis; fewer than six do not tell its error."""
    repeats = np.asarray(repeats, dtype=float)
    n = repeats.shape[-1]
    return estimate_median(repeats, axis=-1) if n >= 6 else without_error(np.median(repeats, axis=-1), n)


def time_ratios(table: xr.Dataset, operator: str, way: str, reference: str = "chunked") -> tuple[np.ndarray, Estimate]:
    """Lengths at which two operators were both timed, and the least times of the first over those of the reference."""
    cases, references = _cases(table, operator, way), _cases(table, reference, way)
    lengths, i, j = np.intersect1d(cases.tokens, references.tokens, return_indices=True)
    ratios = ratio_of(*(least_time(rows.time_ms.values[k]) for rows, k in ((cases, i), (references, j))))
    return lengths, ratios._replace(n=cases.sizes["repeat"])


def growth_exponent(table: xr.Dataset, operator: str, way: str, start: int = 0, least_ms: float = 0.0) -> Estimate:
    """Slope of log time on log length of an operator.

    Args:
        table: of `measure`.
        operator, way: which.
        start: shorter sequences are left out.
        least_ms: shorter times are left out; with fewer than three points left, all count.
    """
    tokens, least = times_of(table, operator, way)
    long = (tokens >= start) & (least >= least_ms)
    if long.sum() < 3:
        long[:] = True
    return estimate_slope(np.log(tokens[long]), np.log(least[long]))


def case_of(table: xr.Dataset, operator: str, way: str, shape: tuple[int, int, int, int]) -> xr.Dataset | None:
    """The case of an operator, pass and shape (batch, heads, tokens, width); None where it was not timed."""
    rows = (table["operator"] == operator) & (table["pass"] == way)
    for name, size in zip(("batch", "heads", "tokens", "width"), shape):
        rows = rows & (table[name] == size)
    places = np.flatnonzero(rows.values)
    return table.isel(case=places[-1]) if len(places) else None


def crossover(x, ratio) -> float:
    """First x at which a ratio reaches 1 from below, interpolated in the logarithms of both.

    The smallest x where it starts at 1 or above; infinity where it never reaches 1.
    """
    finite = np.finfo(float)
    log_x, log_ratio = np.log(x), np.log(np.clip(ratio, finite.tiny, finite.max))
    if log_ratio[0] >= 0:
        return float(x[0])
    above = np.flatnonzero(log_ratio >= 0)
    if not len(above):
        return float("inf")
    j = above[0]
    share = -log_ratio[j - 1] / (log_ratio[j] - log_ratio[j - 1])
    return float(np.exp(log_x[j - 1] + share * (log_x[j] - log_x[j - 1])))


def estimate_crossover(x, ratio: Estimate) -> Estimate:
    """`crossover` of a list of estimates; its ends are the crossings of the upper and of the lower ends."""
    value = crossover(x, ratio.value)
    if np.isnan([ratio.low, ratio.high]).any():
        return without_error(value, ratio.n)
    return Estimate(value, np.nan, crossover(x, ratio.high), crossover(x, ratio.low), ratio.n)


def roofline(flops: float, bytes_moved: float, peak: float, bandwidth: float) -> float:
    """Least milliseconds for `flops` operations and `bytes_moved` bytes at `peak` FLOP/s and `bandwidth` bytes/s."""
    return 1e3 * max(flops / peak, bytes_moved / bandwidth)
