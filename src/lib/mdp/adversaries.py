"""Adversaries that fix all losses beforehand, and environments to play them in.

A loss is <phi(x, a), theta_k,h> with theta in [0, 1]^d, which lies in [0, 1] where features are points of the simplex.
"""

from typing import NamedTuple

import numpy as np


class Adversary(NamedTuple):
    """Parameters of the losses of R runs.

    Args:
        early: theta before the change, or its mean where it is noisy, (R, H, d).
        late: after the change, (R, H, d).
        change: first episode of `late`, (R,).
        noisy: whether coordinates are 0 or 1 with that mean, (R,).
    """

    early: np.ndarray
    late: np.ndarray
    change: np.ndarray
    noisy: np.ndarray


def make_adversary(kind: str, episodes: int, shape: tuple[int, int], rng: np.random.Generator) -> Adversary:
    """One run of an adversary, with R = 1.

    Args:
        kind: `gap` (one theta), `switch` (one for a third of the episodes, then another), or `noisy` with a number c
            behind it, such as `noisy8`: coordinates are 1 with probability 1/2 +- min(0.45, c / sqrt(K)).
        episodes: number of episodes K.
        shape: (H, d).
        rng: random generator.

    Raises:
        ValueError: another kind.
    """
    first, second = rng.random((2, *shape))
    if kind == "gap":
        early = late = first
    elif kind == "switch":
        early, late = first, second
    elif kind.startswith("noisy"):
        gap = min(0.45, float(kind.removeprefix("noisy")) / np.sqrt(max(episodes, 1)))
        early = late = 0.5 + gap * np.where(first < 0.5, -1, 1)
    else:
        raise ValueError(f"kind: got {kind!r}, expected gap, switch or noisy with a number")
    change = episodes // 3 if kind == "switch" else 0
    return Adversary(early[None], late[None], np.array([change]), np.array([kind.startswith("noisy")]))


def stack_adversaries(adversaries: list[Adversary]) -> Adversary:
    """Several adversaries as one, along the axis of runs."""
    return Adversary(*(np.concatenate(parts) for parts in zip(*adversaries, strict=True)))


def draw_losses(adversary: Adversary, start: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Theta of `count` episodes from `start` on, (count, R, H, d); blocks of any size give the same sequence."""
    episode = np.arange(start, start + count)[:, None, None, None]
    theta = np.where(episode < adversary.change[:, None, None], adversary.early, adversary.late)
    if adversary.noisy.any():
        draws = rng.random((count, int(adversary.noisy.sum()), *theta.shape[2:]))
        theta[:, adversary.noisy] = draws < theta[:, adversary.noisy]
    return theta


def losses_of(features, theta) -> np.ndarray:
    """<phi_h(x, a), theta_h>, (..., H, S, A), from (..., H, S, A, d) and (..., H, d)."""
    *lead, states, actions, d = features.shape
    return np.matmul(features.reshape(*lead, states * actions, d), theta[..., None]).reshape(*lead, states, actions)


def copy_actions(features, transition, action_values, actions: int) -> tuple[np.ndarray, np.ndarray]:
    """An environment of two actions as one of many, whose difficulty is the same: the worse action is copied.

    Args:
        features: (H, S, 2, d).
        transition: (H, S, 2, S).
        action_values: Q of the losses, whose larger entry is the worse action, (H, S, 2).
        actions: number A; the better one stands at index A // 2 of each state, all others are copies of the worse one.

    Returns:
        Features (H, S, A, d) and transition (H, S, A, S).
    """
    order = np.where(np.arange(actions) == actions // 2, 0, 1)
    ranked = np.argsort(action_values, axis=-1, kind="stable")[..., order]
    return (
        np.take_along_axis(features, ranked[..., None], axis=-2),
        np.take_along_axis(transition, ranked[..., None], axis=-2),
    )
