"""Experiments of the paper's first version on binary data: directions, and five graphs of three variables."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.progress import progress
from lib.scm.discovery import bivariate_rule, causal_de_finetti, from_data
from lib.scm.exchangeable import binary
from lib.scm.independence import g_test

# edges j -> i with j < i, and whether a variable is the xor of its parents instead of their product
GRAPHS = {
    "A->B, A->C": ([(0, 1), (0, 2)], False),
    "A->B->C": ([(0, 1), (1, 2)], False),
    "B->A<-C": ([(0, 2), (1, 2)], True),
    "A->B->C, A->C": ([(0, 1), (1, 2), (0, 2)], False),
    "B->A, C->A, B->C": ([(0, 2), (1, 2), (0, 1)], False),
}
VARIANTS = ("first", "corrected")


def repeat_first_version(
    *,
    environments: list[int],
    seeds: int,
    graph_environments: int,
    published_directions: list[list[float]],
    published_graphs: list[float],
    root_seed: int,
) -> xr.Dataset:
    """Return `p_value (environments, test, seed)` of X -> Y, and `recovered (graph, variant, seed)`.

    Mechanisms are Beta(1, 3) in each environment, of which there are two samples; Y is noise xor X.

    Args:
        environments: numbers E for the directions.
        seeds: runs.
        graph_environments: number E for the graphs.
        published_directions: rows of E, and the authors' shares by the highest p-value and by all three tests.
        published_graphs: the authors' share of graphs found exactly, in the order of `GRAPHS`.
        root_seed: root of the random streams.
    """
    p_value = np.zeros((len(environments), 3, seeds))
    recovered = np.zeros((len(GRAPHS), len(VARIANTS), seeds), bool)
    for seed in progress(range(seeds), "runs"):
        for i, number in enumerate(environments):
            rng = generator(root_seed, "causal_de_finetti", "first", number, seed)
            x, y = binary(_adjacency([(0, 1)], 2), number, 2, rng)
            p_value[i, :, seed] = bivariate_rule(x, y, g_test)[1:]
        for i, (name, (edges, parity)) in enumerate(GRAPHS.items()):
            truth = _adjacency(edges, 3)
            rng = generator(root_seed, "causal_de_finetti", "first", name, seed)
            ci = from_data(binary(truth, graph_environments, 2, rng, parity=parity), g_test)
            for j, variant in enumerate(VARIANTS):
                recovered[i, j, seed] = (causal_de_finetti(3, ci, variant=variant).adjacency == truth).all()
    published = {int(number): shares for number, *shares in published_directions}
    return xr.Dataset(
        {
            "p_value": (("environments", "test", "seed"), p_value),
            "recovered": (("graph", "variant", "seed"), recovered),
            "published": (
                ("environments", "decision"),
                [published.get(number, [np.nan, np.nan]) for number in environments],
            ),
            "published_recovered": ("graph", published_graphs),
        },
        coords={
            "environments": environments,
            "test": ["x->y", "y->x", "none"],
            "decision": ["highest", "conservative"],
            "graph": list(GRAPHS),
            "variant": list(VARIANTS),
        },
        attrs={"graph_environments": graph_environments},
    )


def _adjacency(edges: list[tuple[int, int]], nodes: int) -> np.ndarray:
    adjacency = np.zeros((nodes, nodes), bool)
    adjacency[tuple(np.transpose(edges))] = True
    return adjacency


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(repeat_first_version, snakemake)
