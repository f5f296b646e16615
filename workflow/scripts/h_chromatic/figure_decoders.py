"""Figure: decoded against true number of legs of spiders, and second degree moment of caterpillars."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels


def figure(decoded):
    """Return the figure; the area of a mark is the number of trees at that place."""
    fig, axes = new_figure(ncols=2, width=8.2, height=3.8)
    panels = [
        (decoded.legs.values[:, 1:], "number of legs", f"{decoded.sizes['spider']} spiders"),
        (decoded.moment.values, "sum of C(degree, 2)", f"{decoded.sizes['tree_with_moment']} caterpillars"),
    ]
    for axis, (pairs, name, title) in zip(axes, panels):
        places, counts = np.unique(pairs, axis=0, return_counts=True)
        axis.scatter(*places.T, s=8 + 6 * np.sqrt(counts), color=COLOURS[0], ec="black", lw=0.4, zorder=3)
        ends = [pairs.min() - 0.5, pairs.max() + 0.5]
        axis.plot(ends, ends, **REFERENCE)
        axis.set(xlabel=f"true {name}", ylabel=f"decoded {name}", title=title)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
