"""OptCov on the last layer of random linear processes: its episodes, what it reaches, and the design's episodes."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import draw_episodes, fit_counts, policy_covariances
from lib.mdp.exploration import fewest_episodes
from lib.mdp.optcov import collect_covariance
from lib.mdp.pedel import true_prediction
from lib.mdp.random_linear import random_problem

DATA = ("none", "five policies")
SHARP = 6  # the bound of the guarantee is 16 N*(tolerance / 6)


def collect_data(
    *,
    states: int,
    actions: int,
    layers: int,
    dim: int,
    policies: int,
    processes: int,
    offline_episodes: int,
    targets: list[float],
    root_seed: int,
) -> xr.Dataset:
    """Return `episodes`, `reached`, `designed` and `designed_bound (data, process, target)`.

    `designed` is N*, the fewest episodes of any mixture, and `designed_bound` is N* at a sixth of the target.

    Args:
        states, actions, layers, dim, policies: of the processes.
        processes: how many.
        offline_episodes: of five policies, in one of two kinds of data.
        targets: largest squared norms that are asked for.
        root_seed: root of the random streams.
    """
    shape = len(DATA), processes, len(targets)
    episodes, reached, designed, sharp = (np.zeros(shape) for _ in range(4))
    limits = np.array(targets)
    for m in range(processes):
        rng = generator(root_seed, "offline_to_online_rl", "optcov", m)
        problem = random_problem(states, actions, layers, dim, rng, policies=policies)
        truth = true_prediction(problem)
        features = truth.features[:, -1:]
        covariances = policy_covariances(truth.occupancy, problem.policies, problem.features)[:, -1:]
        played = np.zeros(policies, dtype=np.int64)
        played[:5] = offline_episodes // 5
        drawn = draw_episodes(problem.process, problem.reward, problem.policies, played, rng)
        offsets = np.array([np.eye(dim), fit_counts(drawn, problem.features).covariance[-1]])

        def play(rows, chosen, each):
            numbers = np.zeros((len(rows), policies), dtype=np.int64)
            numbers[np.arange(len(rows)), chosen] = each
            counts = draw_episodes(problem.process, problem.reward, problem.policies, numbers, rng)  # noqa: B023
            return fit_counts(counts, problem.features).covariance[:, -1] - np.eye(dim)  # noqa: B023

        size = len(DATA) * len(targets)
        outcome = collect_covariance(
            np.broadcast_to(features[:, 0], (size, policies, dim)),
            np.broadcast_to(covariances[:, 0], (size, policies, dim, dim)),
            play,
            np.repeat(offsets, len(targets), axis=0),
            np.tile(limits, len(DATA)),
        )
        episodes[:, m], reached[:, m] = outcome.episodes.reshape(len(DATA), -1), outcome.largest.reshape(len(DATA), -1)
        for share, target in ((1, designed), (SHARP, sharp)):
            asked = np.broadcast_to(limits[None, :, None] / share, (len(DATA), len(targets), policies))
            target[:, m] = fewest_episodes(features, covariances, offsets[:, None, None], asked).value
    dims = ("data", "process", "target")
    return xr.Dataset(
        {
            "episodes": (dims, episodes, {"long_name": "episodes of all rounds"}),
            "reached": (dims, reached, {"long_name": "largest squared norm that was reached"}),
            "designed": (dims, designed, {"long_name": "fewest episodes of any mixture"}),
            "designed_bound": (dims, sharp, {"long_name": "fewest episodes of any mixture at a sixth of the target"}),
        },
        coords={"data": list(DATA), "target": targets},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(collect_data, snakemake)
