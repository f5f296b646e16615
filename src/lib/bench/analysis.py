"""What measured times say: selection, crossing, bounds; without torch, so that figures start fast."""

import numpy as np
import xarray as xr


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
    chosen = table.isel(case=np.flatnonzero(rows.values)).sortby("tokens")
    values = chosen.time_ms.min("repeat") if statistic == "min" else getattr(chosen.time_ms, statistic)("repeat")
    return chosen.tokens.values, values.values.astype(float)


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


def roofline(flops: float, moved: float, peak: float, bandwidth: float) -> float:
    """Least milliseconds for `flops` operations and `moved` bytes at `peak` FLOP/s and `bandwidth` bytes/s."""
    return 1e3 * max(flops / peak, moved / bandwidth)
