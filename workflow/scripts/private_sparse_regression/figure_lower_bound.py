"""Figure: errors without interaction and the explicit lower bound."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.private import STYLES
from lib.drawing.ranges import draw_means

METHODS = ("classical", "public", "tight", "pure")


def figure(by_n, by_d, by_d_wide, bound):
    """Return the figure; the bound is proved for pure privacy, the hard family is its own."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.8)
    chosen = np.flatnonzero(by_n.epsilon.values == 1)
    for method in METHODS:
        values = by_n.oracle.sel(estimator=method).transpose("point", "seed").values
        draw_means(left, by_n.users.values[chosen], values[chosen], **STYLES[method])
        values = np.concatenate(
            [
                store.oracle.sel(estimator=method).transpose("point", "seed").values
                for store in (by_d, by_d_wide.isel(point=[2, 3]))
            ]
        )
        dims = np.concatenate([by_d.dim.values, by_d_wide.dim.values[2:]])
        draw_means(right, dims, values, **STYLES[method])
    left.plot(by_n.users.values[chosen], by_n.bound.values[chosen], "k-", label="lower bound")
    right.plot(dims, np.concatenate([by_d.bound.values, by_d_wide.bound.values[2:]]), "k-", label="lower bound")
    left.set(xlabel="users n", title="d = 8, k = 2, ε = 1")
    hard = bound.oracle.sel(estimator="pure").mean("seed").values
    scale = np.interp(bound.dim.values, dims, np.concatenate([by_d.bound.values, by_d_wide.bound.values[2:]]))
    right.plot(bound.dim.values, hard / bound.bound.values * scale, "kx", label="pure on the hard family (ratio)")
    right.set(xlabel="features d", title="k = 2, ε = 1, n = 6.4e11")
    right.set_xticks(dims, [str(d) for d in dims])
    for axis in (left, right):
        axis.set(xscale="log", yscale="log", ylabel="ℓ2 error at the best threshold")
        axis.set_xticks([], minor=True)
        axis.set_ylim(axis.get_ylim()[0] / 30, None)
        axis.legend(fontsize=6, loc="lower left", ncols=2)
    right.set_xticks([4, 8, 16, 32, 64], ["4", "8", "16", "32", "64"])
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
