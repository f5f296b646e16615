"""Series with bars, power laws beside them, and ticks where the values are."""

import numpy as np

from lib.atlas.job.figure import REFERENCE
from lib.stats.intervals import estimate_mean


def draw_range(axis, x, values, over: str, *, middle: str = "mean", **style) -> None:
    """Draw means or medians over a dimension, with bars from the smallest to the largest value.

    Args:
        axis: where to draw.
        x: positions, one for each item of the other dimension.
        values: DataArray of two dimensions.
        over: the dimension that the bars are of, such as `seed`.
        middle: `mean` or `median`.
        style: options of `Axes.errorbar`.
    """
    centre = getattr(values, middle)(over)
    axis.errorbar(x, centre, [centre - values.min(over), values.max(over) - centre], **style)


def draw_pass_band(axis, low: float, high: float, label: str | None = "pass rule") -> None:
    """Shade the values of the vertical axis that a pass rule accepts.

    Args:
        axis: where to draw.
        low, high: ends of the band.
        label: in the legend; None for none.
    """
    axis.axhspan(low, high, color="#009E73", alpha=0.12, lw=0, zorder=0, label=label)


def draw_means(axis, x, values, *, units: int = 1, **style) -> None:
    """Draw means over units with 95 % intervals.

    Args:
        axis: where to draw.
        x: (P,) positions, in any order.
        values: (P, units), or (units, P).
        units: which axis of `values` is that of the units.
        style: options of `Axes.errorbar`.
    """
    x, order = np.asarray(x), np.argsort(x)
    mean, _, low, high, _ = estimate_mean(np.asarray(values, dtype=float), axis=units)
    axis.errorbar(x[order], mean[order], [(mean - low)[order], (high - mean)[order]], **style)


def draw_guide(axis, x, start: float, exponent: float, label: str) -> None:
    """Draw a power law from the smallest to the largest x, `start` at the smallest, in grey."""
    x = np.array([np.min(x), np.max(x)], float)
    axis.plot(x, start * (x / x[0]) ** exponent, label=label, **REFERENCE)


def tick_at(axis, values) -> None:
    """Put the ticks of a logarithmic x axis at these values, as plain numbers, and no others."""
    axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.set_xticks([], minor=True)
