"""Drawings that figures of probes share."""

import numpy as np

from lib.stats.intervals import estimate_mean


def draw_gain(axis, place: float, values, colour: str, *, horizontal: bool = False, marker: str = "o", **style) -> None:
    """Draw the mean of units with its 95 % interval, or a hollow mark where there is a single unit.

    Args:
        axis: where to draw.
        place: position on the other axis.
        values: (units,).
        colour: of mark and bar.
        horizontal: whether the values run along x.
        marker, style: of `Axes.errorbar`.
    """
    values = np.asarray(values, float)
    single = len(values) < 2
    if single:
        mean, bar = values[0], None
    else:
        mean, _, low, high, _ = estimate_mean(values)
        bar = [[mean - low], [high - mean]]
    x, y = ([mean], [place]) if horizontal else ([place], [mean])
    error = {"xerr" if horizontal else "yerr": bar}
    face = "white" if single else colour
    axis.errorbar(x, y, **error, color=colour, marker=marker, mfc=face, ls="none", **style)
