"""A decoy for least squares: the gap of each algorithm as the dimension grows."""

import numpy as np
import xarray as xr

from lib.bandits.designs import g_optimal_design
from lib.bandits.elimination import (
    better_of_predicted_and_queried,
    design_and_fit,
    design_supports,
    eliminate_on_net,
    eliminate_supports,
)
from lib.bandits.hard import decoy
from lib.bandits.net import rank_net, sparse_net
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
        design = g_optimal_design(actions)
        ranked, fitted = rank_net(actions, sparse_net(d, 1, eps)), design_supports(actions, 1)
        runs = {
            "design": lambda query, actions=actions, design=design: design_and_fit(actions, design, query)[0],
            "design_best": lambda query, actions=actions, design=design: better_of_predicted_and_queried(
                actions, design, query
            ),
            "elimination": lambda query, actions=actions, ranked=ranked: eliminate_on_net(actions, ranked, query, eps),
            "supports": lambda query, actions=actions, fitted=fitted: eliminate_supports(actions, fitted, query, eps),
        }
        for a, name in enumerate(ALGORITHMS):
            query = Rewards(rewards)
            gap[a, k] = query.gap(runs[name](query).action) / eps
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
