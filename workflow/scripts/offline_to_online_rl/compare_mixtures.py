"""The designed mixture against uniform mixing over the same policies, by norms and by errors of values."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import draw_episodes, expected_features, fit_counts, policy_covariances, predict
from lib.mdp.exploration import best_mixture, play, squared_norms
from lib.mdp.pedel import true_prediction
from lib.mdp.random_linear import random_problem
from lib.progress import progress

MIXTURES = ("designed", "uniform")


def compare_mixtures(
    *,
    states: int,
    actions: int,
    layers: int,
    dim: int,
    policies: int,
    processes: int,
    sets: int,
    offline_policies: int,
    offline_episodes: int,
    spent: list[int],
    root_seed: int,
) -> xr.Dataset:
    """Return `norm (mixture, process, spent, layer)`, a design for each layer, and `error (mixture, process, spent)`.

    The error is the largest of a value over the policies, its mean over data sets; its design serves all layers at
    once.

    Args:
        states, actions, layers, dim, policies: of the processes.
        processes: how many.
        sets: online data sets of each.
        offline_policies, offline_episodes: of the offline data, which all data sets of a process share.
        spent: online episodes T.
        root_seed: root of the random streams.
    """
    norm = np.zeros((len(MIXTURES), processes, len(spent), layers))
    error = np.zeros((len(MIXTURES), processes, len(spent)))
    for m in progress(range(processes), "process"):
        rng = generator(root_seed, "offline_to_online_rl", "mixtures", m)
        problem = random_problem(states, actions, layers, dim, rng, policies=policies)
        truth = true_prediction(problem)
        covariances = policy_covariances(truth.occupancy, problem.policies, problem.features)
        played = np.zeros(policies, dtype=np.int64)
        played[:offline_policies] = offline_episodes // offline_policies
        offline = draw_episodes(problem.process, problem.reward, problem.policies, played, rng)
        offset = fit_counts(offline, problem.features).covariance
        expected = expected_features(problem.policies, problem.features)
        for k, episodes in enumerate(spent):
            even = np.full(policies, episodes / policies)
            for h in range(layers):
                part = truth.features[:, [h]], covariances[:, [h]], offset[[h]]
                norm[0, m, k, h] = best_mixture(*part, episodes).value
                norm[1, m, k, h] = squared_norms(part[0], play(part[2], part[1], even)).max()
            design = best_mixture(truth.features, covariances, offset, episodes).episodes
            for a, weights in enumerate((design, even)):
                counts = rng.multinomial(episodes, weights / weights.sum(), size=sets)
                online = draw_episodes(problem.process, problem.reward, problem.policies, counts, rng)
                fit = fit_counts(type(online)(*(one + two for one, two in zip(online, offline))), problem.features)
                guess = predict(fit.kernel, fit.theta, expected, problem.process.initial).values
                error[a, m, k] = np.abs(guess - truth.values).max(axis=-1).mean()
    return xr.Dataset(
        {
            "norm": (("mixture", "process", "spent", "layer"), norm, {"long_name": "largest squared norm"}),
            "error": (("mixture", "process", "spent"), error, {"long_name": "largest error of a value"}),
        },
        coords={"mixture": list(MIXTURES), "spent": spent, "layer": np.arange(1, layers + 1)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_mixtures, snakemake)
