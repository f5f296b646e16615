"""Optimistic elimination on random instances: gaps and distinct queries, beside random queries and fitted supports."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.algorithms import choose, prepare
from lib.bandits.elimination import best_of_random
from lib.bandits.instances import misspecified_rewards, sparse_parameter, sphere_actions
from lib.bandits.net import net_size
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
    names = ALGORITHMS if supports else ALGORITHMS[:2]
    for c, case in enumerate(cases):
        d, s, eps, n = (case[key] for key in ("dim", "sparsity", "eps", "actions"))
        for i in progress(range(case["instances"]), case["name"]):
            rng = generator(root_seed, "misspecified_bandits", "instance", case["name"], i)
            actions, theta = sphere_actions(n, d, rng), sparse_parameter(d, s, rng)
            prepared = prepare(actions, s, eps, names)
            for m, mode in enumerate(modes):
                rewards = misspecified_rewards(actions, theta, eps, mode, rng)
                for a, name in enumerate(names):
                    query = Rewards(rewards)
                    if name == "random":
                        choice = best_of_random(int(queries[0, c, i, m]), n, query, rng)
                    else:
                        choice = choose(name, prepared, query)
                    consistent &= choice.consistent
                    gap[a, c, i, m], queries[a, c, i, m] = query.gap(choice.action) / eps, len(query.order)
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
