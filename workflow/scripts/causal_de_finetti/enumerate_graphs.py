"""All graphs of a few nodes: classes that independent and exchangeable samples identify, and the oracle algorithm."""

import numpy as np
import xarray as xr

from lib.graphs.dags import all_dags, as_adjacency, exchangeable_graph, separations, skeleton_and_colliders
from lib.progress import progress
from lib.scm.discovery import VARIANTS, causal_de_finetti, oracle, theorem_mismatches


def enumerate_graphs(*, largest: int, models_largest: int) -> xr.Dataset:
    """Return counts by number of nodes; -1 where a count is not taken.

    Args:
        largest: graphs of 2 to `largest` nodes are listed.
        models_largest: up to here the independence models of two exchangeable samples are compared statement by
            statement; above, identification rests on the algorithm with an oracle.
    """
    sizes = list(range(2, largest + 1))
    counts = {name: [] for name in ("graphs", "iid_classes", "exchangeable_classes", "pairs", "mismatches")}
    recovered = np.zeros((len(VARIANTS), len(sizes)), int)
    for column, d in enumerate(sizes):
        graphs = all_dags(d)
        counts["graphs"].append(len(graphs))
        counts["iid_classes"].append(len({skeleton_and_colliders(g) for g in graphs}))
        models = len({separations(exchangeable_graph(g, 2), 2 * d) for g in graphs}) if d <= models_largest else -1
        counts["exchangeable_classes"].append(models)
        pairs, mismatches = theorem_mismatches(graphs) if d <= 4 else (-1, -1)
        counts["pairs"].append(pairs)
        counts["mismatches"].append(mismatches)
        for graph in progress(graphs, f"graphs of {d} nodes"):
            truth, ci = as_adjacency(graph), oracle(graph)
            for row, variant in enumerate(VARIANTS):
                recovered[row, column] += (causal_de_finetti(d, ci, variant=variant).adjacency == truth).all()
    return xr.Dataset(
        {name: ("nodes", values) for name, values in counts.items()}
        | {"recovered": (("variant", "nodes"), recovered, {"long_name": "graphs that the oracle algorithm finds"})},
        coords={"nodes": sizes, "variant": list(VARIANTS)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(enumerate_graphs, snakemake)
