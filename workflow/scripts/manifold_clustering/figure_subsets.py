"""Figure: accuracy on fewer and on imbalanced images."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure


def figure(subsets):
    """Return the figure."""
    fig, axis = new_figure(width=7, height=3.6)
    names = list(subsets.estimator.values)
    labels = {"MLC": "MLC", "no_ds": "softmax, fresh head", "no_ds_kmeans": "softmax, head from k-means"}
    for m, name in enumerate(names):
        values = subsets.accuracy.sel(estimator=name).transpose("case", "seed").values
        x = np.arange(len(values))[:, None] + 0.15 * (m - 2) + np.linspace(-0.05, 0.05, values.shape[1])
        style = {"color": COLOURS[m], "marker": MARKERS[m], "ms": 4, "ls": "none"}
        axis.plot(x.ravel(), values.ravel(), label=labels.get(str(name), name), **style)
        for i, mean in enumerate(values.mean(1)):
            axis.hlines(mean, x[i].mean() - 0.08, x[i].mean() + 0.08, color=COLOURS[m], lw=2)
    cases = {
        "all": f"all {subsets.attrs['images']}",
        "few": f"{subsets.attrs['few']} images",
        "imbalanced": "imbalanced",
    }
    axis.set_xticks(range(len(cases)), [cases[str(case)] for case in subsets.case.values])
    axis.set(ylabel="accuracy", title=f"each point one of {subsets.sizes['seed']} seeds; bars, means")
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
