"""Policy elimination on random linear processes, whose designs know the dynamics: failures as beta shrinks."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import draw_episodes
from lib.mdp.pedel import practical_beta, run_elimination, true_prediction
from lib.mdp.random_linear import random_problem
from lib.progress import progress


def run_random(
    *,
    states: int,
    actions: int,
    layers: int,
    dim: int,
    policies: int,
    processes: int,
    runs: int,
    divisors: list[float],
    eps: float,
    delta: float,
    offline_policies: int,
    offline_episodes: int,
    root_seed: int,
) -> xr.Dataset:
    """Return `episodes` and `gap (divisor, process, run)`.

    Args:
        states, actions, layers, dim, policies: of the processes.
        processes: how many.
        runs: of each, each with offline data of its own.
        divisors: of the practical beta.
        eps: accuracy.
        delta: chance of failure.
        offline_policies: policies that collected the offline data, the first ones.
        offline_episodes: of all of them together.
        root_seed: root of the random streams.
    """
    shape = len(divisors), processes, runs
    episodes, gap, spread = np.zeros(shape), np.zeros(shape), np.zeros(processes)
    for m in progress(range(processes), "process"):
        rng = generator(root_seed, "offline_to_online_rl", "random", m)
        problem = random_problem(states, actions, layers, dim, rng, policies=policies)
        values = true_prediction(problem).values
        spread[m] = np.mean(values.max() - values > eps)
        played = np.zeros((runs, policies), dtype=np.int64)
        played[:, :offline_policies] = offline_episodes // offline_policies
        offline = draw_episodes(problem.process, problem.reward, problem.policies, played, rng)
        beta = practical_beta(policies, delta)
        for k, divisor in enumerate(divisors):
            outcome = run_elimination(problem, offline, eps, beta / divisor, rng, oracle=True)
            episodes[k, m], gap[k, m] = outcome.episodes, values.max() - values[outcome.policy]
    dims = ("divisor", "process", "run")
    return xr.Dataset(
        {
            "episodes": (dims, episodes, {"long_name": "online episodes"}),
            "gap": (dims, gap, {"long_name": "value lost by the policy that was returned"}),
            "suboptimal": ("process", spread, {"long_name": "share of policies that lose more than eps"}),
        },
        coords={"divisor": divisors},
        attrs={"eps": eps, "delta": delta},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_random, snakemake)
