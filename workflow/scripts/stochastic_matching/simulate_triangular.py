"""Policies on the upper-triangular instance with random labels, at several masses of one online vertex."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.classes import nested_value, vertices_of
from lib.matching.instances import arrivals_of, upper_triangular
from lib.matching.policies import simulate, thresholds_and_ranks


def simulate_triangular(*, size: int, eps: list[float], replicates: int, policies: list[str], root_seed: int):
    """Return `successes (policy, eps, replicate)` and the exact value of the limit.

    Random ranks break all ties, which is what random labels do.

    Args:
        size: number n of offline vertices.
        eps: masses of one online vertex.
        replicates: runs of each policy, with the same thresholds at every eps.
        policies: names of `lib.matching.policies`.
        root_seed: root of the random streams.
    """
    probabilities, masses = upper_triangular(size)
    rng = generator(root_seed, "stochastic_matching", "equal value", size)
    theta, rank = thresholds_and_ranks(replicates, size, rng)
    seed = int(rng.integers(2**32))
    successes = [
        [simulate(e * probabilities, arrivals_of(vertices_of(masses, e)), policy, theta, rank, seed=seed) for e in eps]
        for policy in policies
    ]
    return xr.Dataset(
        {
            "successes": (("policy", "eps", "replicate"), np.array(successes, dtype=np.uint16)),
            "value": ((), nested_value(np.arange(size, 0, -1), masses), {"long_name": "exact value of the limit"}),
        },
        coords={"policy": policies, "eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_triangular, snakemake)
