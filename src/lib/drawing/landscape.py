"""What figures of loss landscapes share."""

import numpy as np

from lib.stats.intervals import estimate_mean


def draw_band(axis, x, values, *, spread: bool = True, **style) -> None:
    """Draw a mean over the last axis as a line, with its 95 % interval as a band where there are several.

    Args:
        axis: where to draw.
        x: (P,) positions.
        values: (P, units).
        spread: draw the band.
        style: options of `Axes.plot`.
    """
    values = np.asarray(values, dtype=float)
    (line,) = axis.plot(x, values.mean(axis=-1), **style)
    if spread and values.shape[-1] > 1:
        _, _, low, high, _ = estimate_mean(values, axis=-1)
        axis.fill_between(x, low, high, color=line.get_color(), alpha=0.18, lw=0)
