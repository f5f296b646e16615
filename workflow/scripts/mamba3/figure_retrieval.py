"""Figure: recall accuracy against the number of pairs."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure

LABELS = {
    "mamba3": "Mamba-3",
    "mamba2": "Mamba-2",
    "mamba2_data": "Mamba-2, A from the input",
    "gdn": "Gated DeltaNet",
    "softmax": "softmax attention",
}


def figure(mqar: list, *, trained_pairs: int):
    """Return the figure: medians over seeds with their range; error, so that small differences show, on a log axis.

    Args:
        mqar: one store for each model.
        trained_pairs: most pairs of a training sequence.
    """
    fig, axis = new_figure(width=7.6, height=4.0)
    floor = 3e-4
    count = dict.fromkeys(LABELS, 0)  # a model has one colour, its sizes have markers and lines of their own
    for i, run in enumerate(mqar):
        style, count[run.arch] = count[run.arch], count[run.arch] + 1
        colour = COLOURS[list(LABELS).index(run.arch)]
        error = 1 - run.accuracy
        middle = np.maximum(error.median("seed").values, floor)
        spread = np.abs(np.stack([error.min("seed").values, error.max("seed").values]).clip(floor) - middle)
        name = LABELS.get(run.arch, run.arch) + ("" if run.arch == "softmax" else f", N = {run.state}")
        name += ", small steps" if run.init == "default" else ""
        axis.errorbar(
            run.pairs * 1.015 ** (i - len(mqar) / 2),
            middle,
            spread,
            color=colour,
            marker=MARKERS[style],
            ls=LINESTYLES[style],
            label=name,
        )
    axis.axvline(trained_pairs, **REFERENCE)
    place = {"xytext": (-4, 0), "textcoords": "offset points", "fontsize": 7.5, "ha": "right"}
    axis.annotate("most pairs in training", (trained_pairs, 1.15), **place)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    seeds = max(len(run.seed) for run in mqar)
    axis.set(
        xlabel="pairs of key and value",
        ylim=(floor / 1.5, 2),
        ylabel=f"1 $-$ recall accuracy, {seeds} seed{'s' if seeds > 1 else ''} (0.0003: none wrong)",
    )
    axis.set_xticks(mqar[0].pairs.values, [str(n) for n in mqar[0].pairs.values])
    axis.minorticks_off()
    legend = axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    absent = [label for name, label in LABELS.items() if not count[name]]
    if absent:
        legend.set_title("not trained at this scale:\n" + ",\n".join(absent), {"size": 8})
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
