"""Figure: error against the number of users, at three levels of privacy."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, draw_means


def figure(by_n, rounds_n):
    """Return the figure; a series for each epsilon."""
    fig, axes = new_figure(ncols=3, width=10.0, height=3.6, sharey=True)
    panels = (
        ("closed form, d = 8", by_n, by_n.total.sel(estimator="classical")),
        ("public features, d = 8", by_n, by_n.total.sel(estimator="public")),
        ("hard thresholding, d = 64", rounds_n, rounds_n.total.sel(variant="ours")),
    )
    for axis, (title, store, values) in zip(axes, panels):
        values = values.transpose("point", "seed").values
        for k, epsilon in enumerate(sorted(set(store.epsilon.values), reverse=True)):
            chosen = np.flatnonzero(store.epsilon.values == epsilon)
            style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k]}
            draw_means(axis, store.users.values[chosen], values[chosen], label=f"ε = {epsilon:g}", **style)
        first = np.argmin(np.where(store.epsilon.values == store.epsilon.values.max(), store.users.values, np.inf))
        draw_guide(axis, store.users.values, values[first].mean() / 2, -0.5, "slope −1/2")
        axis.set(xscale="log", yscale="log", xlabel="users n", title=title)
        axis.legend(fontsize=7)
    axes[0].set_ylabel("ℓ2 error at the theory's threshold")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
