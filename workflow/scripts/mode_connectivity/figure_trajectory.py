"""Figure: losses at both ends and at the midpoint after the fork, and the angle between both ways."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.landscape import draw_band


def figure(descent):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, nrows=2, width=7.6, height=6.0)
    last = float(descent.attrs["steps"])
    ends = (descent.line.sel(share=0.0) + descent.line.sel(share=1.0)) / 2
    middle = descent.line.sel(share=0.5)
    for i, k in enumerate(descent.fork.values):
        after = np.append(descent.after.values[:-1], last - k)
        order = ("after", "seed")
        low, high, angle = (v.sel(fork=k).transpose(*order).values for v in (ends, middle, descent.angle))
        known = np.isfinite(low).all(axis=1)
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ms": 3}
        x = after[known]
        axis = axes[0, 0] if k in descent.fork.values[::2] else axes[0, 1]
        draw_band(axis, x, low[known], label=f"k = {k}, ends", **style)
        draw_band(axis, x, high[known], label=f"k = {k}, midpoint", **style, mfc="white", linestyle="--")
        style["linestyle"] = LINESTYLES[i]
        draw_band(axes[1, 0], x, (high - low)[known], label=f"k = {k}", **style)
        draw_band(axes[1, 1], x[1:], angle[known][1:], label=f"k = {k}", **style)
    for axis in axes.flat:
        axis.set_xscale("symlog", linthresh=10)
        axis.set_xlabel("steps after the fork")
    for axis in axes[0]:
        axis.set(ylabel="training loss", ylim=(0, None))
        axis.legend(fontsize=6.5)
    axes[1, 0].axhline(0, color="black", lw=0.8)
    axes[1, 0].set_ylabel("loss at the midpoint less the ends")
    axes[1, 0].legend(fontsize=7)
    axes[1, 1].set(ylabel="angle between both ways (degree)", ylim=(0, 90))
    axes[1, 1].legend(fontsize=7, ncols=2)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
