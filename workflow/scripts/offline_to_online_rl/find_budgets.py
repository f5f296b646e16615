"""Smallest online budgets of learners without a certificate on the rare branch, beside lower bounds for any learner."""

from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import add_counts, draw_episodes
from lib.mdp.pedel import practical_beta, true_prediction, value_of
from lib.mdp.planning import certainty_equivalence, online_budget, pessimistic_policy
from lib.mdp.rare_branch import (
    draw_offline,
    hybrid_lower_bound,
    offline_size,
    online_lower_bound,
    rare_branch,
    uniform_after,
)
from lib.progress import progress

LEARNERS = ("hybrid", "online")
OFFLINE_LEARNERS = ("pessimism", "certainty equivalence")
FACTORS = (0.85, 1.0, 1.15)


def _gaps(problem, counts, learner=certainty_equivalence) -> np.ndarray:
    policy = learner(counts).policy(problem.policies.shape[-1])
    return true_prediction(problem).values.max(axis=-1) - value_of(problem, policy)


def _successes(learner: str, episodes: int, *, eps: float, tuples: int, runs: int, rng) -> float:
    """Share of runs in which a learner is within eps."""
    problem = rare_branch(eps, paying=rng.integers(0, 4, runs))
    counts = draw_episodes(problem.process, problem.reward, uniform_after(0), np.full((runs, 1), episodes), rng)
    if learner == "hybrid":
        counts = add_counts(counts, draw_offline(problem, tuples, runs, rng))
    return float(np.mean(_gaps(problem, counts) <= eps))


def find_budgets(*, eps: list[float], runs: int, offline_runs: int, delta: float, root_seed: int) -> xr.Dataset:
    """Return `budget (learner, eps)`, successes about it, and `offline_gap (offline_learner, eps, offline_run)`.

    Both learners play action 0 and then any action at random, and plan with relative frequencies; the hybrid one counts
    offline tuples in. A budget is enough when the policy is within eps in a share 1 - delta of the runs, each of which
    has a paying action of its own.

    Args:
        eps: accuracies.
        runs: at each budget.
        offline_runs: of learners that have offline data alone.
        delta: chance of failure.
        root_seed: root of the random streams.
    """
    budget = np.zeros((len(LEARNERS), len(eps)))
    success = np.zeros((len(LEARNERS), len(eps), len(FACTORS)))
    offline_gap = np.zeros((len(OFFLINE_LEARNERS), len(eps), offline_runs))
    for k, accuracy in enumerate(progress(eps, "eps")):
        rng = generator(root_seed, "offline_to_online_rl", "budgets", accuracy)
        tuples = offline_size(accuracy, practical_beta(len(rare_branch(accuracy).policies), delta))

        for a, learner in enumerate(LEARNERS):
            successes = partial(_successes, learner, eps=accuracy, tuples=tuples, runs=runs, rng=rng)
            budget[a, k] = online_budget(successes, 8, 1 - delta)
            success[a, k] = [successes(round(factor * budget[a, k])) for factor in FACTORS]
        problem = rare_branch(accuracy, paying=rng.integers(0, 4, offline_runs))
        counts = draw_offline(problem, tuples, offline_runs, rng)
        pessimist = partial(pessimistic_policy, delta=delta, policies=len(problem.policies))
        offline_gap[0, k] = _gaps(problem, counts, pessimist) / accuracy
        offline_gap[1, k] = _gaps(problem, counts) / accuracy
    bounds = {"hybrid": hybrid_lower_bound, "online": online_lower_bound}
    return xr.Dataset(
        {
            "budget": (("learner", "eps"), budget, {"long_name": "least online episodes that suffice"}),
            "success": (("learner", "eps", "factor"), success, {"long_name": "share of runs within eps"}),
            "bound": (("learner", "eps"), [[bounds[name](one, delta) for one in eps] for name in LEARNERS]),
            "offline_gap": (
                ("offline_learner", "eps", "offline_run"),
                offline_gap,
                {"long_name": "value lost without online play", "units": "eps"},
            ),
        },
        coords={
            "learner": list(LEARNERS),
            "eps": eps,
            "factor": list(FACTORS),
            "offline_learner": list(OFFLINE_LEARNERS),
        },
        attrs={"delta": delta, "runs": runs},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(find_budgets, snakemake)
