"""What every learner makes of the online budget that policy elimination used on the rare branch."""

from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import draw_episodes
from lib.mdp.pedel import practical_beta, true_prediction, value_of
from lib.mdp.planning import certainty_equivalence, hybrid_value_iteration, pessimistic_policy
from lib.mdp.rare_branch import ACTIONS, draw_offline, offline_size, rare_branch, uniform_after, valid_actions
from lib.progress import progress

LEARNERS = ("pessimism", "offline certainty equivalence", "uniform", "online certainty equivalence", "hybrid optimism")


def spend_budgets(tracking, far, *, runs: int, delta: float, root_seed: int) -> xr.Dataset:
    """Return `gap (learner, eps, run)` of learners that have the mean online budget of elimination with offline data.

    Learners: pessimism and certainty equivalence on offline data alone; on online data alone, uniform actions and
    action 0 followed by uniform actions, both with certainty equivalence; and optimistic value iteration on both
    kinds of data.

    Args:
        tracking, far: runs of elimination on the rare branch; those with offline data set the budgets.
        runs: of each learner.
        delta: chance of failure.
        root_seed: root of the random streams.
    """
    chosen = [(store, case) for store in (tracking, far) for case in np.flatnonzero(store.offline > 0)]
    eps = [float(store.eps[case]) for store, case in chosen]
    gap = np.zeros((len(LEARNERS), len(eps), runs))
    anywhere = valid_actions() / valid_actions().sum(axis=-1, keepdims=True)
    for k, (store, case) in enumerate(progress(chosen, "eps")):
        accuracy = eps[k]
        rng = generator(root_seed, "offline_to_online_rl", "spent", accuracy)
        budget = int(np.round(store.episodes[case].mean()))
        problem = rare_branch(accuracy, paying=rng.integers(0, 4, runs))
        number = len(problem.policies)
        offline = draw_offline(problem, offline_size(accuracy, practical_beta(number, delta)), runs, rng)
        spent = np.full((runs, 1), budget)
        draw = partial(draw_episodes, problem.process, problem.reward, episodes=spent, rng=rng)
        made = (
            pessimistic_policy(offline, delta, number),
            certainty_equivalence(offline),
            certainty_equivalence(draw(anywhere[None])),
            certainty_equivalence(draw(uniform_after(0))),
            hybrid_value_iteration(problem, offline, spent[:, 0], delta, rng, valid=valid_actions()),
        )
        best = true_prediction(problem).values.max(axis=1)
        for a, greedy in enumerate(made):
            gap[a, k] = best - value_of(problem, greedy.policy(ACTIONS))
    return xr.Dataset(
        {"gap": (("learner", "eps", "run"), gap, {"long_name": "value lost by the policy that was returned"})},
        coords={"learner": list(LEARNERS), "eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(spend_budgets, snakemake)
