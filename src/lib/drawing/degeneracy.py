"""Effective numbers of parameters against the level of the loss, by three ways."""

import numpy as np


def draw_numbers(axis, volume, colour: str, label: str) -> None:
    """Draw N_eff in closed form (line), by quadrature (crosses) and by Monte Carlo (circles with two standard errors).

    Args:
        axis: where to draw.
        volume: `number` by level and way, and `error` by level, of one loss.
        colour: of all three.
        label: in the legend.
    """
    level = volume.level.values
    axis.plot(level, volume.number.sel(way="closed form"), color=colour, label=label)
    axis.plot(level, volume.number.sel(way="quadrature"), "x", color=colour, ms=5)
    sampled = volume.number.sel(way="Monte Carlo").values
    known = np.isfinite(sampled)
    axis.errorbar(
        level[known], sampled[known], 2 * volume.error.values[known], fmt="o", mfc="white", color=colour, ms=6
    )
