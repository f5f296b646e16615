"""Figure: sizes of nets against the radius and the dimension, and the queries that elimination really makes."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels


def figure(nets, queries, large_pairs, large_triples):
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
    for store in (large_pairs, large_triples):
        s, k = store.attrs["sparsity"], list(nets.sparsity.values).index(store.attrs["sparsity"])
        most = int(store.queries.max())
        words = f"d = {store.attrs['dim']}, s = {s}: {most} of {int(store.net_size):,} net points"
        left.plot(1 / store.attrs["eps"], most, MARKERS[k], ms=9, mfc="none", color=COLOURS[k])
        right.plot(store.attrs["dim"], most, MARKERS[k], ms=9, mfc="none", color=COLOURS[k], ls="none", label=words)
    left.set(xlabel="1 / ε", title=f"d = {nets.attrs['radius_dim']} (net), several d (queries)")
    right.set(xlabel="dimension d", title=f"ε = {nets.attrs['dim_radius']} (net), several ε (queries)")
    for axis in (left, right):
        axis.set(xscale="log", yscale="log", ylabel="number")
        axis.set_ylim(None, axis.get_ylim()[1] ** 1.35)
        axis.legend(fontsize=7, loc="upper left")
    left.set_xticks(1 / nets.eps.values, [f"{x:g}" for x in 1 / nets.eps.values])
    right.set_xticks(nets.dim.values, [str(d) for d in nets.dim.values])
    for axis in (left, right):
        axis.set_xticks([], minor=True)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
