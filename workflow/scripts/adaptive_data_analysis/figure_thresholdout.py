"""Figure: accuracy against selected features, for a plain and for a reusable holdout, without and with signal."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure

KINDS = {
    "train": "training set",
    "holdout": "holdout, as reported",
    "fresh": "fresh data",
    "holdout itself": "holdout itself, before the report",
}


def figure(holdout, *, paper: list[float]):
    """Return the figure; bands are one standard deviation over seeds.

    Args:
        holdout: the store.
        paper: number of features, and the accuracies that the sequel reports there, without signal and a plain holdout.
    """
    fig, axes = new_figure(3, 2, width=9.6, height=6.0, sharex=True, sharey=True)
    titles = {
        "standard": "plain holdout",
        "thresholdout": "Thresholdout",
        "thresholdout, Laplace": "with Laplace noise",
    }
    for row, data in zip(axes, holdout["data"].values):
        for axis, method in zip(row, holdout.mechanism.values):
            for i, (kind, label) in enumerate(KINDS.items()):
                if method == "standard" and kind == "holdout itself":  # what it reports
                    continue
                accuracy = holdout.accuracy.sel(data=data, mechanism=method, kind=kind)
                mean, spread = accuracy.mean("seed"), accuracy.std("seed", ddof=1)
                axis.plot(
                    holdout.k,
                    mean,
                    color=COLOURS[i],
                    marker=MARKERS[i],
                    linestyle=LINESTYLES[i],
                    mfc="white",
                    label=label,
                )
                axis.fill_between(holdout.k, mean - spread, mean + spread, color=COLOURS[i], alpha=0.15, lw=0)
            if data == "no signal":
                axis.axhline(0.5, **REFERENCE)
            axis.set_title(f"{titles[method]}, {data}")
    for axis in axes[1]:
        axis.set_xlabel("selected features, k")
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy")
    features, reported, true = paper
    axes[0, 0].plot([features, features], [reported, true], "kx", label="the sequel, n = d = 10,000")
    handles = dict(zip(*axes[0, 1].get_legend_handles_labels()[::-1]))
    handles |= dict(zip(*axes[0, 0].get_legend_handles_labels()[::-1]))
    fig.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    axes[0, 0].set(ylim=(np.floor(holdout.accuracy.min() * 20) / 20, 1.0))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
