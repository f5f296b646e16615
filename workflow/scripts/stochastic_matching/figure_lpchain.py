"""Figure: optimum of each program over the adaptive optimum, on small graphs."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure


def figure(graphs):
    """Return the figure; graphs on which the configuration program is below the optimum are circled."""
    fig, axis = new_figure(width=6.2, height=4.0)
    matching = graphs.upper.sel(benchmark="matching") / graphs.optimum
    order = np.argsort(matching.values, kind="stable")
    position = np.arange(len(order))
    for i, name in enumerate(("matching", "configuration", "stochastic configuration", "path")):
        ratio = (graphs.upper.sel(benchmark=name) / graphs.optimum).values[order]
        axis.plot(position, ratio, color=COLOURS[i], marker=MARKERS[i], ls="none", ms=3.5, label=f"{name} program",
                  mfc="white" if name == "path" else None)  # fmt: skip
        if name == "configuration":
            below = ratio < 1 - 1e-9
            axis.plot(position[below], ratio[below], ls="none", marker="o", ms=9, mfc="none", color="black",
                      label="below the optimum")  # fmt: skip
    axis.axhline(1, **REFERENCE)
    axis.set(
        xlabel="graph, in the order of its matching program", ylabel="optimum of the program over adaptive optimum"
    )
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
