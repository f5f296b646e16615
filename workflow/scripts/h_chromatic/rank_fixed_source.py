"""Dimension spanned by X_G^H over all H, for every small graph G: when does a fixed source give a basis?"""

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.homomorphisms import adjacency_matrix, all_graphs
from lib.graphs.quotients import large_target_rank, span_rank
from lib.progress import progress
from lib.symmetric.partitions import partitions

NAMED = {
    "path": nx.path_graph,
    "star": lambda n: nx.star_graph(n - 1),
    "cycle": nx.cycle_graph,
    "complete": nx.complete_graph,
}


def rank_fixed_source(*, smallest: int, largest: int, named_largest: int) -> xr.Dataset:
    """Return ranks by graph, over all targets and over large ones (`large_rank`), and `named_rank (family, size)`.

    Args:
        smallest, largest: sizes at which every graph is ranked.
        named_largest: size up to which paths, stars, cycles and complete graphs are ranked.
    """
    rows = []
    for n in range(smallest, largest + 1):
        for graph in progress(all_graphs(n), f"graphs on {n} vertices"):
            isolated = bool((graph.sum(0) == 0).any())
            rank, quotients = span_rank(graph)
            large = large_target_rank(graph) if isolated else rank
            rows.append((n, rank, large, quotients, len(partitions(n)), isolated))
    sizes = list(range(smallest, named_largest + 1))
    named = np.array([[span_rank(adjacency_matrix(make(n)))[0] for n in sizes] for make in NAMED.values()])
    rows = np.array(rows, dtype=np.int64)
    return xr.Dataset(
        {
            "vertices": ("graph", rows[:, 0]),
            "rank": ("graph", rows[:, 1], {"long_name": "dimension of the span over all targets"}),
            "large_rank": (
                "graph",
                rows[:, 2],
                {"long_name": "dimension of the span over targets of at least n vertices"},
            ),
            "quotients": ("graph", rows[:, 3]),
            "partitions": ("graph", rows[:, 4]),
            "isolated": ("graph", rows[:, 5].astype(bool), {"long_name": "the graph has an isolated vertex"}),
            "named_rank": (("family", "size"), named),
            "named_partitions": ("size", np.array([len(partitions(n)) for n in sizes])),
        },
        coords={"family": list(NAMED), "size": sizes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(rank_fixed_source, snakemake)
