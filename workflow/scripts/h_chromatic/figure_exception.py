"""Figure: the one exception of the tree test, and the first collision of two graphs that are not forests."""

import networkx as nx
import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure
from lib.graphs.collisions import colliding_groups


def _draw(axis, code: str, colour: str) -> None:
    graph = nx.from_graph6_bytes(code.encode())
    angle = 2 * np.pi * np.arange(len(graph)) / len(graph) + np.pi / 2
    place = np.column_stack([np.cos(angle), np.sin(angle)])
    for a, b in graph.edges:
        axis.plot(*place[[a, b]].T, color="black", lw=1.3, zorder=1)
    axis.plot(*place.T, "o", color=colour, mec="black", ms=11, zorder=2)
    axis.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
    axis.axis("off")


def figure(graphs):
    """Return the figure: a row for each of the two smallest collisions, with the vector they share."""
    groups = [(n, g) for n in range(1, graphs.largest + 1) for g in colliding_groups(graphs, n)][:2]
    fig, axes = new_figure(
        ncols=3, nrows=max(1, len(groups)), width=8.2, height=2.8 * max(1, len(groups)), squeeze=False
    )
    for row, (n, group) in zip(axes, groups):
        for axis, member in zip(row, group[:2]):
            _draw(axis, member.code, COLOURS[0] if member.tree else COLOURS[4] if member.forest else COLOURS[1])
            kind = "tree" if member.tree else "forest" if member.forest else "not a forest"
            axis.set_title(f"{kind} (graph6: {member.code})", fontsize=8.5)
        values = graphs[f"h_{n}"].values[group[0].row]
        lines = [f"({kind})   {value}" for kind, value in zip(graphs[f"partition_{n}"].values, values) if value]
        row[2].axis("off")
        row[2].set_title("endomorphisms by fibre type, both", fontsize=8.5)
        row[2].text(0.05, 0.95, "\n".join(lines), va="top", family="DejaVu Sans Mono", transform=row[2].transAxes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
