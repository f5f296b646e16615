"""Figure: excess variance and bias of finite networks against their width."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, tick_at
from lib.stats.intervals import estimate_mean


def figure(widths):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=7.6, height=3.4)
    x = widths.width.values
    for axis, values in (
        (left, widths.square.values / widths.attrs["variance"] - 1),
        (right, widths["mean"].values - widths.attrs["inside"]),
    ):
        rows = [estimate_mean(row[np.isfinite(row)]) for row in values]
        mean, low, high = (np.array([getattr(one, name) for one in rows]) for name in ("value", "low", "high"))
        axis.errorbar(x, mean, [mean - low, high - mean], fmt="o", color=COLOURS[0], label="last layer")
        axis.axhline(0, color="0.7", lw=0.8)
        axis.set(xscale="log", xlabel="hidden units")
        tick_at(axis, x)
    values = widths.pair_mean.values - widths.attrs["both_inside"]
    rows = [estimate_mean(row[np.isfinite(row)]) for row in values]
    mean, low, high = (np.array([getattr(one, name) for one in rows]) for name in ("value", "low", "high"))
    style = {"fmt": "s", "mfc": "white", "color": COLOURS[1], "label": "both layers"}
    right.errorbar(widths.pair_width.values, mean, [mean - low, high - mean], **style)
    first, last = widths.pair_width.values[[0, -1]]
    grid = np.geomspace(first, last, 50)
    right.plot(grid, mean[0] * np.sqrt(first / grid), label="inverse root of the width", **REFERENCE)
    right.legend(fontsize=7)
    draw_guide(left, x, float(np.nanmean(widths.square.values[0])) / widths.attrs["variance"] - 1, -1, "slope −1")
    left.set_yscale("symlog", linthresh=0.005)
    left.set_ylabel("relative excess of the variance")
    left.legend(fontsize=7)
    right.set_ylabel("bias of the mean")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
