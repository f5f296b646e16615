"""Figure: recall against the number of memories at a fixed share of chosen ones."""

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.recall import LABELS, name_absent

PAIRS = 16
SERIES = {
    "half of the memories chosen": {1: "single", 2: "mom_m2k1", 4: "mom", 8: "mom_m8k4"},
    "a quarter": {4: "mom_m4k1", 8: "mom_m8k2"},
}


def figure(recall: list):
    """Return the figure: trainings as points, means as lines.

    Args:
        recall: one store for each architecture.
    """
    runs = {run.arch: run for run in recall}
    fig, axis = new_figure(width=6.2, height=3.6)
    absent = []
    for i, (label, names) in enumerate(SERIES.items()):
        shown = {number: name for number, name in names.items() if name in runs}
        absent += [LABELS[name] for name in names.values() if name not in runs]
        style = {"color": COLOURS[i], "marker": MARKERS[i]}
        for number, name in shown.items():
            values = runs[name].accuracy.sel(pairs=PAIRS).values
            axis.plot([number] * len(values), values, ls="none", ms=4, alpha=0.6, mec="none", **style)
        means = [runs[name].accuracy.sel(pairs=PAIRS).values.mean() for name in shown.values()]
        if shown:
            axis.plot(list(shown), means, mfc="white", label=label, **style)
    axis.set_xscale("log", base=2)
    axis.set_xticks([1, 2, 4, 8], ["1 (none routed)", "2", "4", "8"])
    axis.minorticks_off()
    axis.set(xlabel="memories", ylabel=f"recall at {PAIRS} pairs", ylim=(0, 1.04), xlim=(0.85, 9.5))
    axis.legend(loc="lower right")
    name_absent(axis, absent)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
