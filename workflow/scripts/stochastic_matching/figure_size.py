"""Figure: columns and nonzeros of the path program and of the stochastic configuration program."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels


def figure(graphs):
    """Return the figure: counts on each small graph against its number of edges."""
    fig, axes = new_figure(ncols=2, width=8.6, height=3.6)
    edges = (graphs.probabilities.values > 0).sum(axis=(1, 2))
    for axis, name in zip(axes, ("columns", "nonzeros")):
        for i, benchmark in enumerate(("path", "stochastic configuration")):
            counts = graphs[name].sel(benchmark=benchmark).values
            axis.plot(edges + 0.12 * (2 * i - 1), counts, color=COLOURS[i], marker=MARKERS[i], ls="none", ms=3.5,
                      alpha=0.6, label=f"{benchmark} program")  # fmt: skip
        axis.set(yscale="log", xlabel="edges", ylabel=name, xticks=np.arange(edges.min(), edges.max() + 1))
        axis.legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
