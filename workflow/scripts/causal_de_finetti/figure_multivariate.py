"""Figure: edge distance of graphs of three binary variables against the number of environments."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.stats.intervals import standard_error

NAMES = {
    "corrected": "causal de Finetti",
    "pc": "PC",
    "fci": "FCI",
    "ges": "GES",
    "notears_cut": "NOTEARS, cut 0.3",
}


def figure(graphs: list, *, paper: list[list[float]]):
    """Return the figure: distance left, share of graphs found exactly right; bars are twice the standard error.

    Args:
        graphs: a store for each number of environments.
        paper: number of environments, authors' distance of causal de Finetti and of PC.
    """
    fig, (left, right) = new_figure(2, width=10.6, height=3.8)
    runs = sorted((run for run in graphs if run.nodes == 3), key=lambda run: run.environments)
    number = [run.environments for run in runs]
    for i, (method, label) in enumerate(NAMES.items()):
        for axis, measure in ((left, "distance"), (right, "exact")):
            score = [run.score.sel(algorithm=method, measure=measure) for run in runs]
            error = [2 * standard_error(s) for s in score]
            axis.errorbar(
                number,
                [s.mean().item() for s in score],
                error,
                color=COLOURS[i],
                marker=MARKERS[i],
                linestyle=LINESTYLES[i],
                mfc="white",
                label=label,
            )
    environments, ours, pc = np.array(paper).T
    left.plot(environments, ours, color="black", marker="x", linestyle=":", label="authors' results")
    left.plot(environments, pc, color="black", marker="+", linestyle=":", label="authors' results, PC")
    left.set(ylabel="edge distance", ylim=(0, None))
    right.set(ylabel="graphs found exactly", ylim=(0, 1))
    for axis in (left, right):
        axis.set(xlabel="environments, two samples each", xscale="log")
        axis.set_xticks(number, [f"{n:,}" for n in number])
        axis.minorticks_off()
    fig.legend(*left.get_legend_handles_labels(), loc="outside right center")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
