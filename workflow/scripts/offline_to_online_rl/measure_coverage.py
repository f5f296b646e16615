"""How well designs cover the policies of random linear processes, with three kinds of offline data and with none."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import draw_episodes, fit_counts, policy_covariances
from lib.mdp.exploration import best_mixture, fewest_episodes
from lib.mdp.pedel import practical_beta, true_prediction
from lib.mdp.random_linear import random_problem
from lib.mdp.requirements import tolerances

DATA = ("none", "one policy", "five policies", "both")


def measure_coverage(
    *,
    states: int,
    actions: int,
    layers: int,
    dim: int,
    policies: int,
    processes: int,
    offline_episodes: int,
    spent: list[float],
    eps: float,
    delta: float,
    root_seed: int,
) -> xr.Dataset:
    """Return `norm (data, process, layer, spent)` of the best mixture for each layer, and `required (data, process)`.

    The data of `both` are those of one and of five policies together, so that they hold each of the others. `arms` is
    the norm of the best mixture on a bandit of `dim` one-hot arms.

    Args:
        states, actions, layers, dim, policies: of the processes.
        processes: how many.
        offline_episodes: of one policy, and of five together.
        spent: online episodes T.
        eps, delta: of the required episodes.
        root_seed: root of the random streams.
    """
    features, covariances, values, offsets = [], [], [], []
    for m in range(processes):
        rng = generator(root_seed, "offline_to_online_rl", "coverage", m)
        problem = random_problem(states, actions, layers, dim, rng, policies=policies)
        truth = true_prediction(problem)
        played = np.zeros((2, policies), dtype=np.int64)
        played[0, 0], played[1, :5] = offline_episodes, offline_episodes // 5
        drawn = draw_episodes(problem.process, problem.reward, problem.policies, played, rng)
        one, five = fit_counts(drawn, problem.features).covariance
        offsets.append([0 * one + np.eye(dim), one, five, one + five - np.eye(dim)])
        features.append(truth.features)
        values.append(truth.values)
        covariances.append(policy_covariances(truth.occupancy, problem.policies, problem.features))
    features, covariances, values = np.array(features), np.array(covariances), np.array(values)
    offsets = np.array(offsets).swapaxes(0, 1)
    shape = len(DATA), processes, layers, len(spent)
    norm, bound = np.zeros(shape), np.zeros(shape)
    for h in range(layers):
        for k, episodes in enumerate(spent):
            design = best_mixture(features[:, :, [h]], covariances[:, :, [h]], offsets[:, :, [h]], episodes)
            norm[:, :, h, k], bound[:, :, h, k] = design.value, design.bound
    limits = tolerances(values, eps, practical_beta(policies, delta))
    required = fewest_episodes(features, covariances, offsets, limits)
    axes = np.eye(dim)[:, None, :]
    arms = best_mixture(axes, axes, np.ones((len(spent), 1, dim)), np.array(spent, dtype=float), one_hot=True)
    dims = ("data", "process", "layer", "spent")
    return xr.Dataset(
        {
            "norm": (dims, norm, {"long_name": "largest squared norm"}),
            "norm_bound": (dims, bound, {"long_name": "lower bound of the largest squared norm"}),
            "required": (("data", "process"), required.value, {"long_name": "online episodes of the design"}),
            "required_bound": (("data", "process"), required.bound, {"long_name": "lower bound of the solver"}),
            "arms": ("spent", arms.value, {"long_name": "largest squared norm of one-hot arms"}),
        },
        coords={"data": list(DATA), "layer": np.arange(1, layers + 1), "spent": spent},
        attrs={"dim": dim, "eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_coverage, snakemake)
