"""Optimistic elimination on random instances: gaps and distinct queries, beside random queries and fitted supports."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.elimination import best_of_random, design_supports, eliminate_on_net, eliminate_supports
from lib.bandits.instances import misspecified_rewards, sparse_parameter, sphere_actions
from lib.bandits.net import net_size, rank_net, sparse_net
from lib.bandits.rewards import Rewards
from lib.progress import progress

ALGORITHMS = ("elimination", "random", "supports")


def run_elimination(*, cases: list[dict], modes: list[str], supports: bool, root_seed: int) -> xr.Dataset:
    """Return `gap` (in eps) and `queries (algorithm, case, instance, mode)`; what was not run is NaN.

    Algorithms: elimination on the net; as many random queries, of which the best is returned; elimination of fitted
    supports. The actions of an instance are the same for all modes.

    Args:
        cases: `name`, `dim`, `sparsity`, `eps`, `actions` (number N), `instances`.
        modes: how rewards are misspecified (`lib.bandits.instances.MODES`).
        supports: whether supports are fitted too.
        root_seed: root of the random streams.
    """
    most = max(case["instances"] for case in cases)
    shape = len(ALGORITHMS), len(cases), most, len(modes)
    gap, queries = np.full(shape, np.nan), np.full(shape, np.nan)
    consistent = True
    for c, case in enumerate(cases):
        d, s, eps, n = (case[key] for key in ("dim", "sparsity", "eps", "actions"))
        net = sparse_net(d, s, eps)
        for i in progress(range(case["instances"]), case["name"]):
            rng = generator(root_seed, "misspecified_bandits", "instance", case["name"], i)
            actions, theta = sphere_actions(n, d, rng), sparse_parameter(d, s, rng)
            ranked = rank_net(actions, net)
            fitted = design_supports(actions, s) if supports else None
            for m, mode in enumerate(modes):
                rewards = misspecified_rewards(actions, theta, eps, mode, rng)
                query = Rewards(rewards)
                choice = eliminate_on_net(actions, ranked, query, eps)
                consistent &= choice.consistent
                runs = [(choice, query)]
                query = Rewards(rewards)
                runs.append((best_of_random(len(runs[0][1].order), n, query, rng), query))
                if fitted is not None:
                    query = Rewards(rewards)
                    choice = eliminate_supports(actions, fitted, query, eps)
                    consistent &= choice.consistent
                    runs.append((choice, query))
                for a, (choice, query) in enumerate(runs):
                    gap[a, c, i, m] = query.gap(choice.action) / eps
                    queries[a, c, i, m] = len(query.order)
    dims = ("algorithm", "case", "instance", "mode")
    per_case = {key: ("case", [case[key] for case in cases]) for key in ("dim", "sparsity", "eps", "actions")}
    return xr.Dataset(
        {
            "gap": (dims, gap, {"long_name": "sub-optimality", "units": "eps"}),
            "queries": (dims, queries, {"long_name": "distinct queries"}),
            "net_size": ("case", [net_size(case["dim"], case["sparsity"], case["eps"]) for case in cases]),
            "consistent": ((), bool(consistent), {"long_name": "no run refuted every candidate"}),
            **per_case,
        },
        coords={"algorithm": list(ALGORITHMS), "case": [case["name"] for case in cases], "mode": modes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_elimination, snakemake)
