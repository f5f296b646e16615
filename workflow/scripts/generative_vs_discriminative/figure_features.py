"""Figure: test error of probes against number of labelled samples, a panel for each kind of features."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.classifiers import probe_style
from lib.drawing.ranges import draw_means, tick_at

PROBES = ("nb 0.001", "lr 1", "lr cv", "ncm", "slda", "ridge")
TITLES = {
    "raw": "pixels",
    "supervised": "supervised",
    "supervised_subset": "supervised, 7 classes seen",
    "masked_ae": "masked autoencoder",
}


def figure(features):
    """Return the figure."""
    names = [str(name) for name in features.backbone.values]
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    fig, axes = new_figure(
        ncols=columns, nrows=rows, width=2.9 * columns, height=3.2 * rows + 0.5, sharey=True, squeeze=False
    )
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names):
        one = features.error.sel(backbone=name).mean("subsample")
        measured = one.notnull().any(("seed", "probe")).values
        sizes = features.m.values[measured]
        for probe in PROBES:
            values = one.sel(probe=probe).transpose("m", "seed").values[measured]
            draw_means(axis, sizes, values, **probe_style(probe) | {"ms": 3.5, "lw": 1.0})
        axis.set(xscale="log", yscale="log", title=TITLES.get(name, name), xlabel="labelled samples m")
        tick_at(axis, sizes if len(sizes) < 8 else sizes[:: len(sizes) // 5])
    ticks = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    axes[0, 0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes[0, 0].set_yticks([], minor=True)
    axes[0, 0].set_ylim(bottom=0.01)
    for axis in axes[:, 0]:
        axis.set_ylabel("test error")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=7.5)
    panel_labels(axes.flat[: len(names)])
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
