"""Points of several groups in rows over a logarithmic axis, with medians."""

import numpy as np
from matplotlib.ticker import NullFormatter

from lib.atlas.job.figure import COLOURS, MARKERS


def draw_points(axis, values, labels: list[str]) -> None:
    """Draw each unit of each group as a point, groups from top to bottom, with a bar at the median.

    Args:
        axis: where to draw.
        values: (groups, units), positive.
        labels: of the groups.
    """
    for row, own in enumerate(np.asarray(values, dtype=float)):
        style = {"color": COLOURS[row % len(COLOURS)], "marker": MARKERS[row % len(MARKERS)]}
        offsets = row + np.linspace(-0.22, 0.22, len(own))
        axis.plot(own, offsets, ls="none", ms=3.5, alpha=0.75, mec="none", **style)
        if np.isfinite(own).all():
            axis.plot([np.median(own)] * 2, [row - 0.38, row + 0.38], color="black", lw=1.4)
    axis.set_xscale("log")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_yticks(range(len(labels)), labels)
