"""Errors of estimated values over their widths, on random linear processes under uniform actions."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import draw_episodes, expected_features, fit_counts, predict
from lib.mdp.exploration import squared_norms
from lib.mdp.finite_horizon import uniform_policy
from lib.mdp.pedel import true_prediction
from lib.mdp.random_linear import random_problem


def estimate_values(
    *, states: int, actions: int, layers: int, dim: int, policies: int, sets: int, episodes: list[int], root_seed: int
) -> xr.Dataset:
    """Return `error` and `width (episodes, set, policy)`; each data set comes from a process of its own.

    The width is the sum over layers of the norm of the estimated feature expectation times (H - h + 1) / 2, by which
    the target of layer h, a reward and a value of what follows, is sub-Gaussian.

    Args:
        states, actions, layers, dim, policies: of the processes.
        sets: data sets.
        episodes: of each data set, with uniform actions.
        root_seed: root of the random streams.
    """
    shape = len(episodes), sets, policies
    error, width = np.zeros(shape), np.zeros(shape)
    noise = (layers - np.arange(layers)) / 2
    for m in range(sets):
        rng = generator(root_seed, "offline_to_online_rl", "values", m)
        problem = random_problem(states, actions, layers, dim, rng, policies=policies)
        truth = true_prediction(problem).values
        rule = uniform_policy(problem.process)[None]
        counts = draw_episodes(problem.process, problem.reward, rule, np.array(episodes)[:, None], rng)
        fit = fit_counts(counts, problem.features)
        guess = predict(
            fit.kernel, fit.theta, expected_features(problem.policies, problem.features), problem.process.initial
        )
        error[:, m] = guess.values - truth
        width[:, m] = np.sqrt(squared_norms(guess.features, fit.covariance)) @ noise
    dims = ("episodes", "set", "policy")
    return xr.Dataset(
        {
            "error": (dims, error, {"long_name": "error of an estimated value"}),
            "width": (dims, width, {"long_name": "width of the estimate"}),
        },
        coords={"episodes": episodes},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(estimate_values, snakemake)
