"""Figure: share of right inputs against the number of networks."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, new_figure
from lib.ntk.published import ACCURACY


def figure(limits, hits):
    """Return the figure."""
    fig, axis = new_figure(width=6.0, height=4.0)
    for i, size in enumerate(limits.bits.values):
        curve = limits.accuracy.sel(kernel="last_layer", bits=size)
        style = {"color": COLOURS[i % len(COLOURS)], "ls": LINESTYLES[i % len(LINESTYLES)]}
        axis.plot(limits.models, curve, label=f"k = {size}", **style)
        for a in range(hits.sizes["pool"]):
            if hits["mode"].values[a] == "last_layer" and hits["size"].values[a] == size:
                mean = np.nanmean(hits.subset.values[a])
                axis.plot(hits.predicted.values[a], mean, "o", mfc="white", color=style["color"])
    axis.plot(
        limits.models, limits.accuracy.sel(kernel="ntk", bits=30), color="0.5", lw=0.8, label="k = 30, both layers"
    )
    axis.plot(list(ACCURACY), list(ACCURACY.values()), "kx", label="authors, k = 30")
    axis.axhline(0.9, color="0.7", lw=0.8)
    axis.set(xscale="log", xlabel="networks in the ensemble", ylabel="share of inputs with two ones", ylim=(0, 1.03))
    axis.legend(fontsize=7, loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
