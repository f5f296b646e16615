"""Log-barrier policy optimisation in epochs, without a simulator, in linear processes; and a simple control.

Our reconstruction of the third algorithm of Dai et al. (2023), without its policy cover: in each epoch of W episodes a
frozen policy, mixed with uniform exploration, is played; the first half gives the inverse of the covariance, the second
half the loss to go and the bonus of the next layer.
"""

import math

import numpy as np

from lib.bandits.ftrl import init, log_barrier_leader, step
from lib.mdp.adversaries import draw_losses
from lib.mdp.covariance import matrix_geometric_resampling, regularised_inverse, resampling_steps
from lib.mdp.finite_horizon import greedy_policy, simulate, uniform_policy
from lib.mdp.play import Game, best_policy, loss_of_policy

CHAINS = 4  # of matrix geometric resampling, each of full length, drawn from the half epoch with replacement
METHODS = ("inv", "mgr")


def _seen(game: Game, policy, theta, rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (R, H, n, d), losses (R, H, n) and next states (R, H, n) of n episodes, from theta (n, R, H, d)."""
    states, actions = simulate(game.process, policy, rng, len(theta))
    runs, layers = np.arange(states.shape[1])[:, None], np.arange(actions.shape[2])
    at = (runs, layers, states[..., :-1], actions)
    losses = np.sum(game.loss_features[at] * theta, axis=-1)
    return (
        np.moveaxis(game.features[at], 0, 2),
        np.moveaxis(losses, 0, 2),
        np.moveaxis(states[..., 1:], 0, 2),
    )


def _inverse(features, gamma: float, method: str, rng) -> np.ndarray:
    """Estimate of (gamma I + Sigma)^-1, (R, H, d, d), from samples (R, H, n, d)."""
    if method == "inv":
        return regularised_inverse(features, gamma)
    if method != "mgr":
        raise ValueError(f"method: got {method!r}, expected one of {METHODS}")
    runs, horizon, n, _ = features.shape
    drawn = rng.integers(n, size=(runs, horizon, CHAINS, resampling_steps(gamma, 0.5)))
    run, layer = np.ogrid[:runs, :horizon]
    return matrix_geometric_resampling(features[run[..., None, None], layer[..., None, None], drawn], gamma, 0.5)


def run_epochs(game: Game, episodes: int, method: str, eta: float, beta: float, rng: np.random.Generator) -> np.ndarray:
    """Regret of each run after K episodes, (R,).

    Epochs have 2 ceil(K^(1/3)) episodes; gamma and the share of exploration are K^(-1/3). Episodes behind the last
    whole epoch are played with its policy.

    Args:
        game: the runs.
        episodes: K, enough for one epoch.
        method: "inv", the regularised inverse, or "mgr", matrix geometric resampling from the same samples.
        eta, beta: learning rate and size of bonuses, both over the root of the number of epochs.
        rng: random generator.

    Raises:
        ValueError: fewer episodes than one epoch, or another method.
    """
    half = math.ceil(round(episodes ** (1 / 3), 9))
    epochs = episodes // (2 * half)
    if epochs < 1:
        raise ValueError(f"episodes: got {episodes}, expected at least one epoch of {2 * half}")
    gamma = explore = episodes ** (-1 / 3)
    eta, beta = eta / math.sqrt(epochs), beta / math.sqrt(epochs)
    nature, own = rng.spawn(2)
    runs, horizon, states, actions, d = game.features.shape
    flat = game.features.reshape(runs, horizon, states * actions, d)
    state, spent, total = init(game.features.shape[:-1]), np.zeros(runs), 0.0
    for epoch in range(epochs):
        policy = log_barrier_leader(state.losses, eta)
        mixed = (1 - explore) * policy + explore / actions
        theta = draw_losses(game.adversary, 2 * half * epoch, 2 * half, nature)
        total = total + theta.sum(axis=0)
        spent += loss_of_policy(game, theta.sum(axis=0), mixed)
        features, losses, following = _seen(game, mixed, theta, own)
        inverse = _inverse(features[:, :, :half], gamma, method, own)
        to_go = np.cumsum(losses[:, ::-1, half:], axis=1)[:, ::-1]
        features, following = features[:, :, half:], following[:, :, half:]
        mapped = np.matmul(flat, inverse)
        estimate = np.matmul(mapped, np.mean(features * to_go[..., None], axis=2)[..., None]).reshape(policy.shape)
        norm = np.sum(mapped * flat, axis=-1).reshape(policy.shape)
        dilated = beta * (norm + np.sum(policy * norm, axis=-1, keepdims=True))
        for h in reversed(range(horizon - 1)):
            value = np.sum(policy[:, h + 1] * dilated[:, h + 1], axis=-1)
            next_value = np.take_along_axis(value, following[:, h], axis=1)
            target = np.mean(features[:, h] * next_value[..., None], axis=1)
            more = np.matmul(mapped[:, h], target[..., None])[..., 0]
            dilated[:, h] += (1 + 1 / horizon) * more.reshape(runs, states, actions)
        state = step(state, estimate - dilated)
    left = episodes - 2 * half * epochs
    if left:
        theta = draw_losses(game.adversary, 2 * half * epochs, left, nature).sum(axis=0)
        total, spent = total + theta, spent + loss_of_policy(game, theta, mixed)
    return spent - loss_of_policy(game, total, best_policy(game, total))


def run_explore_then_commit(game: Game, episodes: int, rng: np.random.Generator, ridge: float = 1.0) -> np.ndarray:
    """Regret (R,) of K^(2/3) episodes of uniform actions, then the greedy policy of a backward ridge regression.

    Args:
        game: the runs.
        episodes: K, at least 1.
        rng: random generator.
        ridge: of the regression of l + V on phi.
    """
    nature, own = rng.spawn(2)
    runs, horizon, states, actions, d = game.features.shape
    count = min(episodes, math.ceil(round(episodes ** (2 / 3), 9)))
    uniform = np.broadcast_to(uniform_policy(game.process), game.features.shape[:-1])
    theta = draw_losses(game.adversary, 0, count, nature)
    early = theta.sum(axis=0)
    late = draw_losses(game.adversary, count, episodes - count, nature).sum(axis=0)
    features, losses, following = _seen(game, uniform, theta, own)
    inverse = regularised_inverse(features, ridge / count)
    fitted, value = np.zeros((runs, horizon, states, actions)), np.zeros((runs, states))
    flat = game.features.reshape(runs, horizon, states * actions, d)
    for h in reversed(range(horizon)):
        target = losses[:, h] + np.take_along_axis(value, following[:, h], axis=1)
        moment = np.mean(features[:, h] * target[..., None], axis=1)
        fitted[:, h] = np.matmul(flat[:, h] @ inverse[:, h], moment[..., None]).reshape(runs, states, actions)
        value = fitted[:, h].min(axis=-1)
    spent = loss_of_policy(game, early, uniform) + loss_of_policy(game, late, greedy_policy(-fitted))
    return spent - loss_of_policy(game, early + late, best_policy(game, early + late))
