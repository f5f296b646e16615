"""All algorithms on the same instances: gaps and queries, with errors that hurt least squares and harmless ones."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.bandits.algorithms import choose, prepare
from lib.bandits.designs import Design, worst_misspecification
from lib.bandits.elimination import best_of_random
from lib.bandits.instances import misspecified_rewards, sparse_parameter, sphere_actions
from lib.bandits.rewards import Rewards
from lib.progress import progress

ALGORITHMS = ("elimination", "net", "design", "design_best", "supports", "random")
BEST = 0.2  # largest linear value of the instances whose errors are aligned with the design


def compare_algorithms(*, cases: list[dict], modes: list[str], draws: int, root_seed: int) -> xr.Dataset:
    """Return `gap` (in eps) and `queries (algorithm, case, mode, draw)`.

    Algorithms: elimination on the net; the whole net; the design's prediction; the better of predicted and best queried
    action; elimination of fitted supports; the best of as many random queries as elimination on the net made.

    Args:
        cases: `name`, `dim`, `sparsity`, `eps`, `actions`.
        modes: how rewards are misspecified; `aligned`: on the design's actions, with the signs that raise the
            prediction at its worst action most, and theta = e_1 scaled so that the best linear value is 0.2.
        draws: independent action sets, each used with all modes.
        root_seed: root of the random streams.
    """
    shape = len(ALGORITHMS), len(cases), len(modes), draws
    gap, queries = np.zeros(shape), np.zeros(shape, dtype=int)
    for c, case in enumerate(cases):
        d, s, eps, n = (case[key] for key in ("dim", "sparsity", "eps", "actions"))
        for t in progress(range(draws), case["name"]):
            rng = generator(root_seed, "misspecified_bandits", "compare", case["name"], t)
            actions, theta = sphere_actions(n, d, rng), sparse_parameter(d, s, rng)
            prepared = prepare(actions, s, eps, ALGORITHMS)
            for m, mode in enumerate(modes):
                if mode == "aligned":
                    rewards = _aligned_rewards(actions, prepared.design, eps)
                else:
                    rewards = misspecified_rewards(actions, theta, eps, mode, rng)
                for a, name in enumerate(ALGORITHMS):
                    query = Rewards(rewards)
                    if name == "random":
                        choice = best_of_random(queries[0, c, m, t], n, query, rng)
                    else:
                        choice = choose(name, prepared, query)
                    gap[a, c, m, t], queries[a, c, m, t] = query.gap(choice.action) / eps, len(query.order)
    dims = ("algorithm", "case", "mode", "draw")
    per_case = {key: ("case", [case[key] for case in cases]) for key in ("dim", "sparsity", "eps", "actions")}
    return xr.Dataset(
        {
            "gap": (dims, gap, {"long_name": "sub-optimality", "units": "eps"}),
            "queries": (dims, queries, {"long_name": "distinct queries"}),
            **per_case,
        },
        coords={"algorithm": list(ALGORITHMS), "case": [case["name"] for case in cases], "mode": modes},
    )


def _aligned_rewards(actions, design: Design, eps: float) -> np.ndarray:
    """Rewards of a 1-sparse model whose errors make least squares overrate the design's worst action."""
    values = actions[:, 0] * (BEST / actions[:, 0].max())
    worst = np.einsum("nd,nd->n", actions @ design.inverse, actions).argmax()
    values[design.support] += eps * worst_misspecification(actions, design, actions[worst])
    return values


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_algorithms, snakemake)
