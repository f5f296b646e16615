"""Figure: dimension of the span of covariances against the number of covariates."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.drawing.ranges import tick_at


def figure(spans):
    """Return the figure."""
    fig, axis = new_figure(width=5.2, height=3.8)
    dims = spans.dim.values
    for k, s in enumerate(spans.sites.values):
        style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k]}
        axis.plot(dims, spans["rank"].sel(sites=s).max("sem"), label=f"s = {s}, largest rank", **style)
        axis.axhline(float(spans.bound.sel(sites=s)), color=COLOURS[k], ls=":", label=f"s = {s}, bound")
    axis.plot(dims, (dims + 1) * (dims + 2) / 2, color="0.5", label="all covariance matrices")
    axis.set(xscale="log", yscale="log", xlabel="covariates d", ylabel="dimension of the span")
    tick_at(axis, dims)
    ticks = [4, 10, 20, 50, 100, 500]
    axis.set_yticks(ticks, [str(t) for t in ticks])
    axis.set_yticks([], minor=True)
    axis.set_ylim(3, 1.5 * np.max((dims + 1) * (dims + 2) / 2))
    axis.legend(fontsize=7, ncols=2, loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
