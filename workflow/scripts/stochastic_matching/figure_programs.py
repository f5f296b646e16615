"""Figure: splits of the analysis programs, and their ratios beside the published constants."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels

PUBLISHED = {"A": 0.596, "B": 0.576, "C": 0.613}
PUBLISHED_UNEQUAL = {"A": 0.596, "B": 0.572}
BEHIND = {
    "A": "A: stochastic configuration",
    "B": "B: configuration",
    "C": "C: as B, memoryless",
    "D": "D: as A, memoryless",
}


def figure(programs):
    """Return the figure: price of the offline vertex g = 1 - f by load, and the ratio of each program."""
    fig, (left, right) = new_figure(ncols=2, width=9.4, height=3.8)
    names = programs.program.values
    for i, name in enumerate(names):
        left.plot(
            programs.loads, 1 - programs.f.sel(program=name), color=COLOURS[i], ls=LINESTYLES[i], label=BEHIND[name]
        )
    left.set(xlabel="load l", ylabel="share g(l) of the offline vertex", xlim=(0, 6))
    left.legend(fontsize=7, loc="lower right")
    y = np.arange(len(names))[::-1]
    kinds = (("differential equation", 0.12, "equal probabilities"), ("unequal", -0.12, "unequal probabilities"))
    for k, (solver, shift, label) in enumerate(kinds):
        values = programs.ratio.sel(solver=solver).values
        right.plot(values, y + shift, color=COLOURS[k], marker=MARKERS[k], ls="none", label=label)
        for value, height in zip(values, y + shift):
            right.annotate(f"{value:.4f}", (value, height), (6, -3), textcoords="offset points", fontsize=7)
    for published, shift in ((PUBLISHED, 0.12), (PUBLISHED_UNEQUAL, -0.12)):
        for name, value in published.items():
            height = y[list(names).index(name)] + shift
            right.plot(value, height, marker="|", color="black", ms=13, ls="none")
    right.plot([], [], marker="|", color="black", ms=11, ls="none", label="published")
    right.axvline(0.611, color="0.6", lw=1, ls=":")
    right.annotate("0.611, not derived", (0.611, -0.45), (-3, 0), textcoords="offset points", ha="right", fontsize=7)
    right.set(yticks=y, yticklabels=names, xlabel="largest ratio G", xlim=(0.568, 0.63), ylim=(-0.6, len(names) - 0.3))
    right.legend(fontsize=7, loc="upper left")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
