"""A decoy for least squares: the gap of each algorithm as the dimension grows."""

import numpy as np
import xarray as xr

from lib.bandits.algorithms import choose, prepare
from lib.bandits.hard import decoy
from lib.bandits.rewards import Rewards

ALGORITHMS = ("design", "design_best", "elimination", "supports")


def fit_decoys(*, dims: list[int], eps: float) -> xr.Dataset:
    """Return `gap` (in eps) and `queries (algorithm, dim)`; nothing is random.

    Args:
        dims: dimensions d of the decoy.
        eps: misspecification.
    """
    gap = np.zeros((len(ALGORITHMS), len(dims)))
    queries = np.zeros(gap.shape, dtype=int)
    for k, d in enumerate(dims):
        actions, _, rewards = decoy(d, eps)
        prepared = prepare(actions, 1, eps, ALGORITHMS)
        for a, name in enumerate(ALGORITHMS):
            query = Rewards(rewards)
            gap[a, k] = query.gap(choose(name, prepared, query).action) / eps
            queries[a, k] = len(query.order)
    return xr.Dataset(
        {
            "gap": (("algorithm", "dim"), gap, {"long_name": "sub-optimality", "units": "eps"}),
            "queries": (("algorithm", "dim"), queries, {"long_name": "distinct queries"}),
        },
        coords={"algorithm": list(ALGORITHMS), "dim": dims},
        attrs={"eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_decoys, snakemake)
