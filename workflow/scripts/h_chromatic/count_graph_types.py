"""The self-chromatic symmetric functions of all graphs up to a size, as exact integers h_lambda."""

import networkx as nx
import numpy as np
import xarray as xr

from lib.graphs.homomorphisms import all_graphs, fibre_types
from lib.progress import progress
from lib.symmetric.partitions import partition_label, partitions


def count_graph_types(*, largest: int) -> xr.Dataset:
    """Return for each size n the table `h_n (graph_n, partition_n)`, number of components and whether it is a forest.

    Args:
        largest: number of vertices.
    """
    variables, coords = {}, {}
    for n in range(1, largest + 1):
        matrices = all_graphs(n)
        table = np.stack([fibre_types(matrix, matrix) for matrix in progress(matrices, f"graphs on {n} vertices")])
        graphs = [nx.from_numpy_array(matrix) for matrix in matrices]
        variables[f"h_{n}"] = ((f"graph_{n}", f"partition_{n}"), table, {"long_name": "endomorphisms by fibre type"})
        variables[f"components_{n}"] = (f"graph_{n}", np.array([nx.number_connected_components(g) for g in graphs]))
        variables[f"forest_{n}"] = (f"graph_{n}", np.array([nx.is_forest(g) for g in graphs]))
        coords[f"graph_{n}"] = [nx.to_graph6_bytes(g, header=False).decode().strip() for g in graphs]
        coords[f"partition_{n}"] = [partition_label(kind) for kind in partitions(n)]
    return xr.Dataset(variables, coords=coords, attrs={"largest": largest})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(count_graph_types, snakemake)
