"""Random linear processes with rewards, and policies on them."""

import numpy as np

from lib.mdp.finite_horizon import linear_process
from lib.mdp.pedel import Problem


def random_problem(
    states: int, actions: int, layers: int, dim: int, rng: np.random.Generator, *, policies: int
) -> Problem:
    """A random linear process with random deterministic policies.

    Mean rewards are <phi, theta_h> with theta_h uniform on the cube, so that they lie in [0, 1].

    Args:
        states, actions, layers, dim: S, A, H, d.
        rng: source of randomness.
        policies: how many, all different where they can differ.

    Raises:
        ValueError: more policies than there are, or a size below one.
    """
    process = linear_process(states, actions, layers, dim, rng)
    theta = rng.uniform(size=(layers, dim))
    reward = np.clip(np.einsum("sad,hd->hsa", process.features, theta), 0, 1)
    return Problem(process, reward, random_policies(states, actions, layers, policies, rng))


def random_policies(states: int, actions: int, layers: int, number: int, rng: np.random.Generator) -> np.ndarray:
    """Deterministic policies that differ in what they do from state 0, (number, H, S, A).

    Raises:
        ValueError: more policies than there are.
    """
    if np.log(number) > (1 + (layers - 1) * states) * np.log(actions) - 1e-12 and number > 1:
        raise ValueError(f"number: got {number} policies, expected fewer than all that there are")
    choices: dict[bytes, np.ndarray] = {}
    while len(choices) < number:
        choice = rng.integers(0, actions, (layers, states))
        choice[0, 1:] = 0  # every episode begins in state 0
        choices[choice.tobytes()] = choice
    return np.eye(actions)[np.array(list(choices.values()))]


def softmax_policies(features, layers: int, number: int, temperature: float, rng: np.random.Generator) -> np.ndarray:
    """Linear softmax policies pi_h(a|s) ~ exp(<phi(s, a), w_h> / temperature) with normal w_h, (number, H, S, A)."""
    weights = rng.normal(size=(number, layers, features.shape[-1]))
    scores = np.einsum("phd,sad->phsa", weights, features, optimize=True) / temperature
    scores -= scores.max(axis=-1, keepdims=True)
    odds = np.exp(scores)
    return odds / odds.sum(axis=-1, keepdims=True)
