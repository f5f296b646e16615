"""Figure: which heads see which moments."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels

TITLES = {"covariance": "classes differ in covariance", "skewness": "classes differ in skewness"}
NAMES = {
    "cls": "class token", "gap": "mean word", "cls+gap": "class token and mean word",
    "lbfgs cls+gap": "logistic regression of both", "mp": "MP",
}  # fmt: skip


def figure(mechanism):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=8.5, height=3.4, sharey=True)
    heads = [str(name) for name in mechanism.probe.values]
    for axis, kind in zip(axes, mechanism.kind.values):
        for k, name in enumerate(heads):
            values = 100 * mechanism.accuracy.sel(probe=name, kind=kind).values
            axis.plot(values, np.full(len(values), -k), color=COLOURS[0], marker="o", mfc="none", ls="none")
        axis.axvline(100 / float(mechanism.classes.sel(kind=kind)), **REFERENCE)
        axis.set(title=TITLES[str(kind)], xlabel="test accuracy, points", xlim=(0, 103))
        axis.set_yticks(-np.arange(len(heads)))
    axes[0].set_yticklabels([NAMES.get(name, name) for name in heads])
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
