"""Whole runs of learners against adversaries, with exact regret."""

from functools import partial
from typing import NamedTuple

import numpy as np

from lib.bandits.ftrl import Leader, init
from lib.mdp.adversaries import Adversary, draw_losses, losses_of
from lib.mdp.finite_horizon import Process, evaluate_policy, greedy_policy, optimal_values, start_value, uniform_policy
from lib.mdp.policy_optimization import (
    Learner,
    Rates,
    exact_knowledge,
    observe,
    play,
    simulated_knowledge,
    step,
)
from lib.training.state import pack_generator, unpack_generator

BLOCK = 1000  # episodes whose losses are drawn at once


class Game(NamedTuple):
    """R runs: dynamics, features that make the losses, and features that the learner sees.

    Args:
        process: with a first axis of R runs.
        loss_features: phi_h(x, a) of the losses, (R, H, S, A, d).
        features: that the learner sees, (R, H, S, A, d').
        adversary: of the R runs.
    """

    process: Process
    loss_features: np.ndarray
    features: np.ndarray
    adversary: Adversary


class Record(NamedTuple):
    """What a run leaves.

    Args:
        regret: against the best fixed policy, by dynamic programming, (R,).
        curve: regret against that policy up to each checkpoint, (checkpoints, R).
        smallest: min over episodes, layers, states and actions of eta Qhat, (R,).
        entropy: mean entropy of the policy at each checkpoint, (checkpoints, R).
    """

    regret: np.ndarray
    curve: np.ndarray
    smallest: np.ndarray
    entropy: np.ndarray


def loss_of_policy(game: Game, theta, policy) -> np.ndarray:
    """Expected loss of an episode, (R,); linear in theta."""
    return start_value(game.process, evaluate_policy(game.process, losses_of(game.loss_features, theta), policy))


def best_policy(game: Game, theta) -> np.ndarray:
    """Policy of least expected loss, (R, H, S, A)."""
    return greedy_policy(optimal_values(game.process, -losses_of(game.loss_features, theta)).action)


def _regret(game: Game, spent, sums) -> np.ndarray:
    """Regret up to each checkpoint against the best policy of the whole run, (checkpoints, R)."""
    best = best_policy(game, sums[-1])
    return spent - np.array([loss_of_policy(game, theta, best) for theta in sums])


def checkpoints_of(episodes: int, count: int) -> np.ndarray:
    """Numbers of episodes of the checkpoints, rising to K; as many as episodes where there are fewer."""
    marks = np.unique(np.linspace(0, episodes, count + 1).round().astype(int))
    return marks[marks > 0]


def _mean_entropy(policy) -> np.ndarray:
    return -np.sum(policy * np.log(np.where(policy > 0, policy, 1)), axis=-1).mean(axis=(1, 2))


def _packed(episode: int, state: Leader, nature, own, arrays: dict) -> dict:
    """State of the loop as arrays."""
    generators = {"nature": pack_generator(nature), "own": pack_generator(own)}
    return {"episode": episode, "losses": state.losses, **generators, **arrays}


def run_learner(
    game: Game,
    learner: Learner,
    rates: Rates,
    episodes: int,
    rng: np.random.Generator,
    trajectories: int = 0,
    checkpoints: int = 16,
    checkpoint=None,
) -> Record:
    """Play K episodes of every run.

    Losses come from a stream of their own, so that learners on the same generator meet the same losses.

    Args:
        game: the runs.
        learner, rates: how policies follow.
        episodes: K.
        rng: random generator.
        trajectories: of the simulator for each use; 0 means that the dynamics are known.
        checkpoints: how often regret and entropy are noted.
        checkpoint: keeps the state of the loop (`lib.atlas.job.checkpoint`).
    """
    nature, own = rng.spawn(2)
    runs, horizon, _, _, d = game.loss_features.shape
    marks = checkpoints_of(episodes, checkpoints)
    state, start = init(game.features.shape[:-1]), 0
    noted = {
        "total": np.zeros(runs),
        "theta": np.zeros((runs, horizon, d)),
        "smallest": np.full(runs, np.inf),
        "spent": np.zeros((len(marks), runs)),
        "sums": np.zeros((len(marks), runs, horizon, d)),
        "entropy": np.zeros((len(marks), runs)),
    }
    saved = checkpoint.load() if checkpoint else None
    if saved:
        start, state = int(saved["episode"]), Leader(np.array(saved["losses"]))
        nature, own = unpack_generator(saved["nature"]), unpack_generator(saved["own"])
        noted = {name: np.array(saved[name]) for name in noted}
    for first in range(start, episodes, BLOCK):
        block = draw_losses(game.adversary, first, min(BLOCK, episodes - first), nature)
        for k, theta in enumerate(block, first + 1):
            losses = losses_of(game.loss_features, theta)
            policy = play(state, learner, rates)
            knowledge = exact_knowledge(game.process, policy)
            noted["total"] += np.sum(knowledge.visits * losses, axis=(1, 2, 3))
            noted["theta"] += theta
            if trajectories:
                knowledge = simulated_knowledge(game.process, policy, trajectories, own)
            observed = observe(game.process, losses, policy, own)
            state, info = step(state, learner, rates, game.features, policy, knowledge, observed)
            np.minimum(noted["smallest"], rates.eta * info.estimate.min(axis=(1, 2, 3)), out=noted["smallest"])
            for c in np.flatnonzero(marks == k):
                noted["spent"][c], noted["sums"][c] = noted["total"], noted["theta"]
                noted["entropy"][c] = _mean_entropy(policy)
        if checkpoint:
            checkpoint.save_if_due(partial(_packed, first + len(block), state, nature, own, noted))
    if not episodes:
        return Record(np.zeros(runs), noted["spent"], np.zeros(runs), noted["entropy"])
    curve = _regret(game, noted["spent"], noted["sums"])
    return Record(curve[-1], curve, noted["smallest"], noted["entropy"])


def run_uniform(game: Game, episodes: int, rng: np.random.Generator, checkpoints: int = 16) -> Record:
    """The policy that takes all actions alike, on the losses that learners meet; arguments as of `run_learner`."""
    nature, _ = rng.spawn(2)
    marks = checkpoints_of(episodes, checkpoints)
    runs = len(game.features)
    theta_sum, sums, first = np.zeros((runs, *game.adversary.early.shape[1:])), [], 0
    for mark in marks:
        theta_sum = theta_sum + draw_losses(game.adversary, first, mark - first, nature).sum(axis=0)
        sums.append(theta_sum)
        first = mark
    policy = np.broadcast_to(uniform_policy(game.process), game.features.shape[:-1])
    spent = np.array([loss_of_policy(game, theta, policy) for theta in sums])
    entropy = np.broadcast_to(_mean_entropy(policy), spent.shape)
    curve = _regret(game, spent, sums)
    return Record(curve[-1], curve, np.zeros(runs), entropy)
