"""Policy elimination with estimated dynamics on one large random linear process, epoch by epoch."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.mdp.counts import Counts, draw_episodes
from lib.mdp.pedel import (
    State,
    accuracies,
    eliminate,
    explore,
    practical_beta,
    published_beta,
    start_elimination,
    true_prediction,
)
from lib.mdp.random_linear import random_problem, softmax_policies
from lib.training.state import pack_generator, unpack_generator


def run_large(
    *,
    states: int,
    actions: int,
    layers: int,
    dim: int,
    policies: int,
    temperature: float,
    offline_policies: int,
    offline_episodes: int,
    eps: float,
    delta: float,
    constants: str,
    seed: str,
    root_seed: int,
    checkpoint,
) -> xr.Dataset:
    """Return `episodes`, `gap` and `alive (epoch)` of one run with linear softmax policies.

    Args:
        states, actions, layers, dim: of the process.
        policies: candidates.
        temperature: of the candidates' softmax.
        offline_policies, offline_episodes: of the offline data.
        eps, delta: accuracy, and chance of failure.
        constants: `practical` or `published`, of beta.
        seed: of the process and the run.
        root_seed: root of the random streams.
        checkpoint: keeps counts and policies alive after each epoch.
    """
    rng = generator(root_seed, "offline_to_online_rl", "large", seed)
    problem = random_problem(states, actions, layers, dim, rng, policies=1)
    problem = problem._replace(policies=softmax_policies(problem.features, layers, policies, temperature, rng))
    values = true_prediction(problem).values
    played = np.zeros((1, policies), dtype=np.int64)
    played[:, :offline_policies] = offline_episodes // offline_policies
    offline = draw_episodes(problem.process, problem.reward, problem.policies, played, rng)
    levels = accuracies(eps)
    alive = np.zeros(len(levels), dtype=np.int64)
    epoch, state = 0, start_elimination(offline, policies)
    saved = checkpoint.load() if checkpoint else None
    if saved:
        epoch, alive, rng = int(saved["epoch"]), saved["numbers"], unpack_generator(saved["rng"])
        counts = Counts(saved["transitions"], saved["rewards"])
        state = State(counts, saved["alive"], saved["episodes"], saved["values"])
    while epoch < len(levels) and state.alive.sum() > 1:
        accuracy = levels[epoch]
        epoch += 1
        beta = (
            published_beta(policies, delta, layers, epoch)
            if constants == "published"
            else practical_beta(policies, delta)
        )
        state = eliminate(problem, explore(problem, state, np.array([accuracy**2 / beta]), rng), accuracy)
        alive[epoch - 1 :] = state.alive.sum()
        if checkpoint:
            checkpoint.save(
                {
                    "epoch": epoch,
                    "numbers": alive,
                    "rng": pack_generator(rng),
                    "transitions": state.counts.transitions,
                    "rewards": state.counts.rewards,
                    "alive": state.alive,
                    "episodes": state.episodes,
                    "values": state.values,
                }
            )
    chosen = int(np.where(state.alive[0], state.values[0], -np.inf).argmax())
    return xr.Dataset(
        {
            "episodes": ((), state.episodes[0], {"long_name": "online episodes"}),
            "gap": ((), values.max() - values[chosen], {"long_name": "value lost by the policy that was returned"}),
            "suboptimal": ((), np.mean(values.max() - values > eps), {"long_name": "share of policies above eps"}),
            "alive": ("epoch", alive, {"long_name": "policies alive after an epoch"}),
        },
        coords={"epoch": np.arange(1, len(levels) + 1)},
        attrs={"eps": eps, "constants": constants, "policies": policies},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(run_large, snakemake)
