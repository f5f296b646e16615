"""Figure: recall accuracy against the number of pairs."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.drawing.recall import LABELS

SHOWN = ("single", "mom", "oracle", "state_matched", "heads_matched", "v_expanded", "softmax", "hybrid")


def figure(recall: list):
    """Return the figure: trainings as points, means as lines.

    Args:
        recall: one store for each architecture.
    """
    runs = {run.arch: run for run in recall}
    fig, axis = new_figure(width=7.8, height=4.0)
    for i, name in enumerate(SHOWN):
        if name not in runs:
            continue
        accuracy = runs[name].accuracy.transpose("pairs", "seed")
        x = accuracy.pairs.values * 1.02 ** (i - len(SHOWN) / 2)
        style = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        axis.plot(x, accuracy.values, ls="none", ms=4, alpha=0.6, mec="none", **style)
        label = f"{LABELS[name]} ({accuracy.sizes['seed']}, {runs[name].state_bytes // 4} numbers)"
        axis.plot(x, accuracy.mean("seed"), ls=LINESTYLES[i % len(LINESTYLES)], label=label, mfc="white", **style)
    axis.axvline(16, **REFERENCE)
    place = {"xytext": (-3, -9), "textcoords": "offset points", "fontsize": 7.5, "ha": "right"}
    axis.annotate("most pairs in training", (16, 1.06), **place)
    axis.set_xscale("log", base=2)
    asked = np.unique(recall[0].pairs.values)
    axis.set_xticks(asked, [str(number) for number in asked])
    axis.minorticks_off()
    axis.set(xlabel="pairs of key and value", ylabel="recall accuracy", ylim=(0, 1.08))
    legend = axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="mean (seeds, numbers in the states)")
    absent = [LABELS[name] for name in SHOWN if name not in runs]
    if absent:
        legend.set_title(
            legend.get_title().get_text() + "\nnot trained at this scale:\n" + ",\n".join(absent), {"size": 8}
        )
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
