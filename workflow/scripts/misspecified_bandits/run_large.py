"""Elimination on one large instance: the net is ranked support by support and never multiplied out."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.elimination import eliminate_on_net
from lib.bandits.instances import misspecified_rewards, sparse_parameter, sphere_actions
from lib.bandits.net import rank_net, sparse_net
from lib.bandits.rewards import Rewards


def run_large(
    *, dim: int, sparsity: int, eps: float, actions: int, modes: list[str], root_seed: int, device: str, checkpoint
) -> xr.Dataset:
    """Return `gap` (in eps) and `queries (mode)` of one instance, and the size of its net.

    Args:
        dim, sparsity, eps: of the instance and its net.
        actions: number N of actions.
        modes: how rewards are misspecified.
        root_seed: root of the random streams.
        device: `cuda`, where the net is ranked in float32, or `cpu`.
        checkpoint: keeps the supports that are ranked already.
    """
    rng = generator(root_seed, "misspecified_bandits", "large", dim, sparsity)
    features, theta = sphere_actions(actions, dim, rng), sparse_parameter(dim, sparsity, rng)
    ranked = rank_net(features, sparse_net(dim, sparsity, eps), device, checkpoint)
    gap, queries = np.zeros(len(modes)), np.zeros(len(modes), dtype=int)
    for m, mode in enumerate(modes):
        query = Rewards(misspecified_rewards(features, theta, eps, mode, rng))
        gap[m] = query.gap(eliminate_on_net(features, ranked, query, eps).action) / eps
        queries[m] = len(query.order)
    return xr.Dataset(
        {
            "gap": ("mode", gap, {"long_name": "sub-optimality", "units": "eps"}),
            "queries": ("mode", queries, {"long_name": "distinct queries"}),
            "net_size": ((), ranked.score.size, {"long_name": "net points"}),
        },
        coords={"mode": modes},
        attrs={"dim": dim, "sparsity": sparsity, "eps": eps, "actions": actions},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_large, snakemake)
