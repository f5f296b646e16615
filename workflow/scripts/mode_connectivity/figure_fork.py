"""Figure: the barrier against the step of the fork, beside the loss at the fork."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_means


def figure(lines, descent):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=7.6, height=3.4)
    forks = descent.fork.values
    place = np.arange(len(forks))
    apart = len(forks) + 0.2
    names = [f"k = {k}" for k in forks]
    for axis, measure, bound, label in (
        (left, "train_loss", 0.05, "barrier of the training loss"),
        (right, "train_error", 0.02, "barrier of the training error"),
    ):
        table = lines.barrier.sel(measure=measure)
        forked = table.sel(pair=names).transpose("pair", "seed").values
        for row, x in zip(forked, place):
            axis.plot(x + np.linspace(-0.12, 0.12, len(row)), row, ".", color=COLOURS[5], ms=4)
        if forked.shape[1] > 1:
            draw_means(axis, place, forked, color=COLOURS[0], marker="o", ms=4, label="fork")
        for name, x, marker, colour in (("independent", apart, "s", "0.35"), ("matched", apart + 1, "D", "0.35")):
            row = table.sel(pair=name).values
            axis.plot(x + np.linspace(-0.12, 0.12, len(row)), row, marker, color=colour, ms=3, mfc="none")
        axis.axhline(bound, label="connected below", **REFERENCE)
        axis.set_xticks([*place, apart, apart + 1], [*map(str, forks), "independent", "matched"])
        axis.tick_params(axis="x", labelrotation=45, labelsize=7)
        axis.set(yscale="log", ylabel=label, xlabel="step of the fork; independent runs")
    start = descent.line.sel(share=0.0).isel(after=0).transpose("fork", "seed").values
    other = left.twinx()
    other.plot(place, start.mean(axis=1), "^:", color=COLOURS[1], ms=4, label="loss at the fork")
    other.set_ylabel("loss at the fork", color=COLOURS[1])
    other.tick_params(axis="y", colors=COLOURS[1])
    other.set_ylim(bottom=0)
    other.grid(False)
    other.spines["right"].set_visible(True)
    handles, labels = (a + b for a, b in zip(left.get_legend_handles_labels(), other.get_legend_handles_labels()))
    right.legend(handles, labels, fontsize=7, loc="lower left")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
