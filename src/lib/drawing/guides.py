"""Reference lines of power laws on logarithmic axes."""

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
