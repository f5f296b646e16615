"""Reference lines of power laws, and ticks at given values, on logarithmic axes."""

import numpy as np


def draw_power(axis, x, through: tuple[float, float], exponent: float, label: str | None = None, **style) -> None:
    """Draw y = y0 (x / x0)^exponent over the range of x.

    Args:
        axis: where to draw.
        x: positions whose range is covered.
        through: the point (x0, y0).
        exponent: of the power.
        label: in the legend.
        style: options of `Axes.plot`.
    """
    ends = np.array([np.min(x), np.max(x)], dtype=float)
    axis.plot(ends, through[1] * (ends / through[0]) ** exponent, label=label, **style)


def tick_values(axis, x) -> None:
    """Label a horizontal axis, logarithmic or not, at these values alone."""
    values = sorted({float(one) for one in x})
    axis.set_xticks(values, [f"{one:g}" for one in values])
    axis.set_xticks([], minor=True)
