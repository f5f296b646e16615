"""Figure: number of groups of graphs with equal self-functions, by size and by what the groups hold."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure
from lib.graphs.collisions import colliding_groups


def figure(graphs):
    """Return the figure: stacked bars."""
    fig, axis = new_figure(width=6.2, height=3.8)
    sizes = list(range(1, graphs.largest + 1))
    kinds = {"holds a tree": [], "holds a forest, no tree": [], "no forest": []}
    for n in sizes:
        groups = colliding_groups(graphs, n)
        tree = sum(any(m.tree for m in g) for g in groups)
        forest = sum(any(m.forest for m in g) and not any(m.tree for m in g) for g in groups)
        for name, value in zip(kinds, (tree, forest, len(groups) - tree - forest)):
            kinds[name].append(value)
    bottom = np.zeros(len(sizes))
    for i, (name, values) in enumerate(kinds.items()):
        axis.bar(
            sizes, values, bottom=bottom, color=COLOURS[i], hatch=["", "//", ".."][i], ec="black", lw=0.6, label=name
        )
        bottom += values
    for n, total in zip(sizes, bottom):
        axis.annotate(f"{int(total)}", (n, total), (0, 2), textcoords="offset points", ha="center")
    axis.set(xlabel="number of vertices n", ylabel="groups of graphs with equal self-functions", xticks=sizes)
    axis.set_ylim(0, max(1.5, bottom.max() * 1.12))
    axis.legend(loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
