"""Figure: parts of the preconditioner taken away, its size, and the sparsity."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.medians import draw_medians
from lib.drawing.ranges import draw_guide, tick_at

PARTS = {
    "ours_oracle": "whole",
    "no_reweight": "columns not rescaled",
    "penalised_span": "span penalised",
    "span_only": "span alone",
}


def figure(designs, sizes, bases):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=12.0, height=3.6)
    names = [str(store.design.values[0]) for store in designs]
    for i, (part, words) in enumerate(PARTS.items()):
        values = np.array([store.error.sel(estimator=part).values[0] for store in designs])
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": "", "label": words}
        draw_medians(left, np.arange(len(names)) + 0.15 * (i - 1.5), values, **style)
    left.set_xticks(range(len(names)), names, rotation=20)
    left.set(yscale="log", ylabel="error at the best level", title="one half without the other")
    errors = bases.error.sel(estimator="ours_oracle").transpose("point", "seed").values
    for i, design in enumerate(dict.fromkeys(bases.design.values.tolist())):
        chosen = bases.design.values == design
        style = {"color": COLOURS[i], "marker": MARKERS[i], "ls": LINESTYLES[i], "label": design}
        draw_medians(middle, bases["size"].values[chosen], errors[chosen], **style)
    middle.set(
        xscale="log", yscale="log", xlabel="columns of the preconditioner r", title=f"k = {int(bases.sparsity[0])}"
    )
    tick_at(middle, sorted(set(bases["size"].values.tolist())))
    chosen = np.array([str(name).startswith("sparsity:") for name in sizes.point.values])
    fixed = sizes.error.sel(estimator="ours").transpose("point", "seed").values[chosen]
    sparsity = sizes.sparsity.values[chosen]
    draw_medians(right, sparsity, fixed, color=COLOURS[0], marker=MARKERS[0], label="ours, fixed level")
    start, ends = float(np.median(fixed[0])), np.array([sparsity.min(), sparsity.max()])
    draw_guide(right, sparsity, start, 2, "slope 2")
    right.plot(ends, start * ends / ends[0], ":", color="black", lw=1, label="slope 1")
    right.set(xscale="log", yscale="log", xlabel="sparsity k", title="common factor, r = 2 k²")
    tick_at(right, sparsity)
    for axis in (left, middle, right):
        axis.legend(fontsize=7)
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
