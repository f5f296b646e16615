"""Policies on random graphs or on the trap, with common thresholds, beside the stochastic configuration program."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.classes import classes_of, stochastic_configuration_lp, vertices_of
from lib.matching.instances import arrivals_of, random_heterogeneous, trap
from lib.matching.policies import simulate, thresholds_and_ranks
from lib.progress import progress


def simulate_graphs(
    programs, *, instance: str, graphs: int, offline: int, eps: float, replicates: int, policies: list[str],
    root_seed: int, block: str = "0",
) -> xr.Dataset:  # fmt: skip
    """Return `successes (graph, policy, replicate)` and the optimum `configuration (graph)` of the program at this eps.

    Args:
        programs: analysis programs, of which balance takes the split of C for unequal probabilities.
        instance: `random`, heterogeneous with as many classes as offline vertices, or `trap`.
        graphs: number of graphs.
        offline: offline vertices; of the trap, half of them are a's.
        eps: mass of one online vertex.
        replicates: runs of each policy on each graph, with the same thresholds and ranks.
        policies: names of `lib.matching.policies`.
        root_seed: root of the random streams.
        block: which block of graphs.
    """
    loads = programs.unequal_load.values
    discount = programs.f_unequal.sel(program="C").values
    successes = np.zeros((graphs, len(policies), replicates), dtype=np.uint16)
    configuration = np.zeros(graphs)
    for g in progress(range(graphs), instance):
        rng = generator(root_seed, "stochastic_matching", instance, offline, eps, int(block), g)
        probabilities, masses = (
            trap(offline // 2) if instance == "trap" else random_heterogeneous(offline, offline, rng)
        )
        configuration[g] = stochastic_configuration_lp(classes_of(probabilities, masses, eps)).upper
        arrivals = arrivals_of(vertices_of(masses, eps))
        theta, rank = thresholds_and_ranks(replicates, len(probabilities), rng)
        seed = int(rng.integers(2**32))
        for i, policy in enumerate(policies):
            successes[g, i] = simulate(
                eps * probabilities, arrivals, policy, theta, rank, discount=discount, step=loads[1], seed=seed
            )
    return xr.Dataset(
        {
            "successes": (("graph", "policy", "replicate"), successes),
            "configuration": ("graph", configuration, {"long_name": "stochastic configuration program"}),
        },
        coords={"policy": policies},
        attrs={"eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_graphs, snakemake)
