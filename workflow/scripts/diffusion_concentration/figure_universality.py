"""Figure: test errors and losses against the number of training samples, on samples and on the matched mixture."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_means, tick_at

PANELS = (
    ("softmax, error", "softmax", "error", ("coarse", "manifold", "ten")),
    ("squared loss, error", "squared", "error", ("coarse", "manifold", "ten")),
    ("squared loss, loss", "squared", "loss_value", ("coarse", "manifold", "ten")),
)


def figure(classifiers):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, width=10.2, height=3.4)
    for axis, (title, loss, name, tasks) in zip(axes, PANELS):
        sizes = set()
        for i, task in enumerate(tasks):
            rows = np.flatnonzero((classifiers.task.values == task) & (classifiers.loss.values == loss))
            n = classifiers["size"].values[rows]
            sizes = sizes if task == "coarse" and loss == "softmax" else sizes | set(n.tolist())
            for source, face in (("samples", COLOURS[i]), ("mixture", "white")):
                values = classifiers[name].sel(train=source, test=source).isel(row=rows).values
                style = {"color": COLOURS[i], "marker": MARKERS[i], "mfc": face, "ls": "-" if face != "white" else "--"}
                draw_means(axis, n, values, label=f"{task}, {source}", **style)
        axis.set(xscale="log", yscale="log", xlabel="training samples", title=title)
        tick_at(axis, sorted(sizes))
    axes[0].set_ylabel("test error")
    axes[2].set_ylabel("squared test loss")
    axes[0].legend(fontsize=6.5)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
