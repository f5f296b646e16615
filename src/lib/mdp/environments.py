"""Random environments with linear losses, in batches of runs."""

import numpy as np

from lib.mdp.adversaries import copy_actions, losses_of, make_adversary, stack_adversaries
from lib.mdp.finite_horizon import linear_process, make_process, optimal_values, stack_processes
from lib.mdp.play import Game


def layered_features(process) -> np.ndarray:
    """phi_h(x, a) (..., H, S, A, d) of a process whose features are the same in all layers."""
    horizon = process.transition.shape[-4]
    *lead, states, actions, d = process.features.shape
    return np.broadcast_to(process.features[..., None, :, :, :], (*lead, horizon, states, actions, d))


def one_hot_features(horizon: int, states: int, actions: int) -> np.ndarray:
    """A feature for each pair (x, a), (H, S, A, S A): what a learner that knows no structure sees."""
    pairs = np.eye(states * actions).reshape(states, actions, -1)
    return np.broadcast_to(pairs, (horizon, *pairs.shape))


def make_game(
    kinds: list[str],
    episodes: int,
    generators: list[np.random.Generator],
    repetitions: int,
    *,
    states: int,
    actions: int,
    horizon: int,
    dim: int,
    copies: bool = False,
    one_hot: bool = False,
) -> Game:
    """Runs of all kinds of adversaries in several environments, in the order (kind, environment, repetition).

    Args:
        kinds: of adversaries (`lib.mdp.adversaries.make_adversary`).
        episodes: K, which the noisy adversary's gap depends on.
        generators: one for each environment, which gives its process and its losses.
        repetitions: runs in each environment.
        states, actions, horizon, dim: S, A, H, d.
        copies: environments of two actions, of which the worse one is copied until there are A.
        one_hot: the learner sees a feature for each pair (x, a).
    """
    processes, features, adversaries = [], [], []
    for rng in generators:
        process = linear_process(states, 2 if copies else actions, horizon, dim, rng)
        seed = int(rng.integers(2**63))  # the same parameters for every kind
        for kind in kinds:
            adversary = make_adversary(kind, episodes, (horizon, dim), np.random.default_rng(seed))
            phi = layered_features(process)
            if copies:
                worse = -optimal_values(process, -losses_of(phi, adversary.early[0])).action
                phi, transition = copy_actions(phi, process.transition, worse, actions)
                processes.append(make_process(transition, process.initial))
            else:
                processes.append(process._replace(features=None))
            features.append(phi)
            adversaries.append(adversary)
    order = np.arange(len(processes)).reshape(len(generators), len(kinds)).T.ravel().repeat(repetitions)
    whole = stack_processes([processes[i] for i in order])
    seen = np.stack([features[i] for i in order])
    hot = one_hot_features(horizon, states, actions)
    return Game(
        whole,
        seen,
        np.broadcast_to(hot, (len(order), *hot.shape)) if one_hot else seen,
        stack_adversaries([adversaries[i] for i in order]),
    )
