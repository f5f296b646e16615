"""Figure: deciles of variances within classes, and gaps of log-likelihoods, for each kind of features."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_means

WORDS = {
    "raw": "pixels",
    "supervised": "supervised",
    "supervised_subset": "supervised, 7 seen",
    "masked_ae": "masked autoencoder",
}


def figure(features):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=8.8, height=3.8)
    names = [str(name) for name in features.backbone.values]
    for k, name in enumerate(names):
        style = {
            "color": COLOURS[k % 8],
            "marker": MARKERS[k % 8],
            "ls": LINESTYLES[k % 8],
            "label": WORDS.get(name, name),
        }
        one = features.sel(backbone=name)
        draw_means(axes[0], features.tenth, one.decile.transpose("tenth", "seed").values, **style)
        gaps = one.gap.mean("seed").values
        gaps = gaps[np.isfinite(gaps)]
        x = k + np.linspace(-0.25, 0.25, len(gaps))
        axes[1].plot(x, gaps, ls="none", marker=style["marker"], color=style["color"])
        if len(gaps) <= 10:
            for place, value, label in zip(x, gaps, features.label.values):
                axes[1].annotate(
                    str(label), (place, value), (0, 4), textcoords="offset points", ha="center", fontsize=6
                )
    axes[0].set(xlabel="tenth of the features", ylabel="variance within classes, features on [0, 1]", yscale="log")
    axes[0].legend(fontsize=7.5)
    axes[1].set_xticks(range(len(names)), [WORDS.get(name, name) for name in names], fontsize=7, rotation=20)
    axes[1].axhline(0, color="0.6", lw=0.8)
    axes[1].set(ylabel="log-likelihood, true less best wrong class")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
