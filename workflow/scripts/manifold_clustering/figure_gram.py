"""Figure: similarity of features before and after stage 2, and membership, sorted by class."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.clustering.membership import project

SHOWN = 400  # samples, evenly over the sorted ones


def figure(starts, members):
    """Return the figure."""
    seed = 1
    classes = starts["class"].values
    order = np.argsort(classes, kind="stable")
    order = order[np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(int)]
    before, after, c = (
        store[name].sel(seed=seed).values.astype(float)
        for store, name in ((starts, "feature"), (members, "feature"), (members, "cluster"))
    )
    membership = project(c @ c.T, members.attrs["label_eta"]).membership[np.ix_(order, order)]
    fig, axes = new_figure(ncols=3, width=10, height=3.5)
    panels = [
        ("|cosines| after stage 1", np.abs(before[order] @ before[order].T), 1.0),
        ("|cosines| after stage 2", np.abs(after[order] @ after[order].T), 1.0),
        ("membership times n", membership * len(classes), 5.0 * len(np.unique(classes))),
    ]
    edges = np.flatnonzero(np.diff(classes[order])) + 1
    middles = (np.r_[0, edges] + np.r_[edges, len(order)]) / 2
    for axis, (title, values, top) in zip(axes, panels):
        image = axis.imshow(values, cmap="Greys", vmin=0, vmax=top, interpolation="nearest", rasterized=True)
        fig.colorbar(image, ax=axis, shrink=0.8, extend="max" if top > 1 else "neither")
        axis.set_title(title)
        axis.set_xticks(middles, np.unique(classes))
        axis.set_yticks(middles, np.unique(classes))
        axis.tick_params(length=0)
        axis.grid(False)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
