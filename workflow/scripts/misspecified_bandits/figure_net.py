"""Figure: sizes of nets against the radius and the dimension, and the queries that elimination really makes."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels


def figure(nets, queries):
    """Return the figure; slopes are those of the last three points, which are formulas and not measurements."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.8)
    sizes = {"eps": (left, nets.by_radius, 1 / nets.eps.values), "dim": (right, nets.by_dim, nets.dim.values)}
    for k, s in enumerate(nets.sparsity.values):
        style = {"color": COLOURS[k], "ls": LINESTYLES[k]}
        for axis, values, x in sizes.values():
            y = values.sel(sparsity=s).values
            order = np.argsort(x)[-3:]
            slope = np.polyfit(np.log(x[order]), y[order], 1)[0]
            axis.plot(x, np.exp(y), marker=MARKERS[k], label=f"net, s = {s}: slope {slope:.2f}", **style)
        cases = np.flatnonzero(queries.sparsity.values == s)
        if len(cases):
            most = queries.queries.sel(algorithm="elimination").max(("instance", "mode")).values[cases]
            for axis, x in ((left, 1 / queries.eps.values[cases]), (right, queries.dim.values[cases])):
                axis.plot(x, most, MARKERS[k], mfc="white", color=COLOURS[k], label=f"queries made, s = {s}")
    left.set(xlabel="1 / ε", title=f"d = {nets.attrs['radius_dim']} (net), several d (queries)")
    right.set(xlabel="dimension d", title=f"ε = {nets.attrs['dim_radius']} (net), several ε (queries)")
    for axis in (left, right):
        axis.set(xscale="log", yscale="log", ylabel="number")
        axis.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
