"""Medians with quartiles, for errors whose spread is far from normal."""

import numpy as np


def draw_medians(axis, x, values, **style) -> None:
    """Draw medians with bars between the quartiles.

    Args:
        axis: where to draw.
        x: (P,) positions, in any order.
        values: (P, units).
        style: options of `Axes.errorbar`.
    """
    x, order = np.asarray(x), np.argsort(x)
    low, middle, high = np.quantile(np.asarray(values, dtype=float)[order], [0.25, 0.5, 0.75], axis=1)
    axis.errorbar(x[order], middle, [middle - low, high - middle], **style)
