"""What measured times say: selection, crossing, bounds; without torch, so that figures start fast."""

import numpy as np
import xarray as xr

from lib.stats.intervals import Estimate, estimate_slope


def times_of(table: xr.Dataset, operator: str, way: str, statistic: str = "min") -> tuple[np.ndarray, np.ndarray]:
    """Tokens in rising order, and the smallest time in ms, of one operator and pass.

    Args:
        table: of `measure`.
        operator, way: which.
        statistic: `min`, `median` or `max` over the repeats.

    Only cases with the batch, heads and width of the table's first case count.
    """
    rows = (table["operator"] == operator) & (table["pass"] == way)
    for name in ("batch", "heads", "width"):
        rows = rows & (table[name] == table[name][0])
    cases = table.isel(case=np.flatnonzero(rows.values)).sortby("tokens")
    values = cases.time_ms.min("repeat") if statistic == "min" else getattr(cases.time_ms, statistic)("repeat")
    return cases.tokens.values, values.values.astype(float)


def time_ratios(
    table: xr.Dataset, operator: str, way: str, reference: str = "chunked"
) -> tuple[np.ndarray, np.ndarray]:
    """Lengths at which two operators were both timed, and the times of the first over those of the reference."""
    tokens, least = times_of(table, operator, way)
    reference_tokens, reference_least = times_of(table, reference, way)
    lengths, i, j = np.intersect1d(tokens, reference_tokens, return_indices=True)
    return lengths, least[i] / reference_least[j]


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
    log_x, log_ratio = np.log(x), np.log(ratio)
    if log_ratio[0] >= 0:
        return float(x[0])
    above = np.flatnonzero(log_ratio >= 0)
    if not len(above):
        return float("inf")
    j = above[0]
    share = -log_ratio[j - 1] / (log_ratio[j] - log_ratio[j - 1])
    return float(np.exp(log_x[j - 1] + share * (log_x[j] - log_x[j - 1])))


def roofline(flops: float, bytes_moved: float, peak: float, bandwidth: float) -> float:
    """Least milliseconds for `flops` operations and `bytes_moved` bytes at `peak` FLOP/s and `bandwidth` bytes/s."""
    return 1e3 * max(flops / peak, bytes_moved / bandwidth)
