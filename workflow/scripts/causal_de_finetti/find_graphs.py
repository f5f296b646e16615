"""Graphs of binary variables from two samples of each environment, and baselines, for one number of environments."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.graphs.dags import edge_distance, layers, structural_hamming_distance
from lib.progress import progress
from lib.scm import baselines as b
from lib.scm.discovery import causal_de_finetti, from_data
from lib.scm.exchangeable import binary, random_dag
from lib.scm.independence import g_test

METHODS = ("corrected", "released", "pc", "fci", "ges", "notears_cut")
MEASURES = ("distance", "hamming", "exact")


def find_graphs(*, environments: int, nodes: int, seeds: int, pc_alpha: float, root_seed: int) -> xr.Dataset:
    """Return `score (algorithm, measure, seed)`: edge distance, structural Hamming distance, exact recovery.

    Args:
        environments: number E.
        nodes: number d.
        seeds: graphs.
        pc_alpha: level of PC; that of the other methods is 0.05.
        root_seed: root of the random streams.
    """
    score = np.zeros((len(METHODS), len(MEASURES), seeds))
    unplaced = np.zeros((2, seeds), int)
    layers_right = np.zeros(seeds, bool)
    for seed in progress(range(seeds), f"graphs, {environments} environments"):
        rng = generator(root_seed, "causal_de_finetti", "multivariate", nodes, environments, seed)
        truth = random_dag(nodes, rng)
        data = binary(truth, environments, 2, rng)
        ci = from_data(data, g_test)
        pooled = data.reshape(nodes, -1).T.astype(float)
        discoveries = [causal_de_finetti(nodes, ci, variant=variant) for variant in ("corrected", "released")]
        unplaced[:, seed] = [discovery.unplaced for discovery in discoveries]
        layers_right[seed] = (discoveries[0].layers == layers(truth)).all()
        graphs = [
            *(discovery.adjacency for discovery in discoveries),
            b.pc(pooled, "gsq", pc_alpha),
            b.fci(pooled, "gsq", 0.05),
            b.ges(pooled),
            b.notears_edges(pooled, 0.3),
        ]
        for i, graph in enumerate(graphs):
            score[i, :, seed] = (
                edge_distance(truth, graph),
                structural_hamming_distance(truth, graph),
                (graph == truth).all(),
            )
    return xr.Dataset(
        {
            "score": (("algorithm", "measure", "seed"), score),
            "unplaced": (("variant", "seed"), unplaced, {"long_name": "variables that no test placed"}),
            "layers_right": ("seed", layers_right),
        },
        coords={"algorithm": list(METHODS), "measure": list(MEASURES), "variant": ["corrected", "released"]},
        attrs={"environments": environments, "nodes": nodes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_graphs, snakemake)
