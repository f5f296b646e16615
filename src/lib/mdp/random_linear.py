"""Random linear processes, and policies on them."""

import numpy as np

from lib.mdp.pedel import Process


def random_linear_process(
    states: int,
    actions: int,
    layers: int,
    dim: int,
    rng: np.random.Generator,
    *,
    policies: int,
    concentration: float = 0.3,
) -> Process:
    """A random linear process with random deterministic policies.

    Features phi(s, a) are Dirichlet on `dim` letters, the same at each layer; mu_h(.|letter) is Dirichlet(1) on states;
    theta_h is uniform on the cube, so that mean rewards lie in [0, 1].

    Args:
        states, actions, layers, dim: S, A, H, d.
        rng: source of randomness.
        policies: how many, all different where they can differ.
        concentration: of the features; below 1 they lie near corners.

    Raises:
        ValueError: more policies than there are.
    """
    phi = rng.dirichlet(np.full(dim, concentration), (states, actions))
    mu = rng.dirichlet(np.ones(states), (layers, dim))
    theta = rng.uniform(size=(layers, dim))
    transition = np.einsum("sad,hdt->hsat", phi, mu)
    transition /= transition.sum(axis=-1, keepdims=True)
    reward = np.clip(np.einsum("sad,hd->hsa", phi, theta), 0, 1)
    return Process(transition, reward, random_policies(states, actions, layers, policies, rng), phi)


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


def uniform_policy(states: int, actions: int, layers: int) -> np.ndarray:
    """The policy that takes every action alike, (1, H, S, A)."""
    return np.full((1, layers, states, actions), 1 / actions)
