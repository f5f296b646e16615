"""Instances that hide their best action: packings, constant-weight codes, needles, decoys.

All actions but one have reward 0 up to what eps can mask, so that a query says no more than "not this one".
"""

import math
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from lib.bandits.rewards import Rewards


class Packing(NamedTuple):
    """Sign vectors with small inner products.

    Args:
        signs: (N, s) of +-1, int8; the unit vectors are signs / sqrt(s).
        largest: largest |inner product| of two different sign vectors, an integer.
    """

    signs: np.ndarray
    largest: int

    @property
    def vectors(self) -> np.ndarray:
        """Unit vectors (N, s)."""
        return self.signs / np.sqrt(self.signs.shape[1])


def largest_product(signs) -> int:
    """Largest |inner product| of two different sign vectors; exact. 0 for one vector.

    Args:
        signs: (N, s) of +-1.
    """
    signs = np.asarray(signs, dtype=np.float32)  # sums of up to 2^24 ones are exact
    largest = 0
    for start in range(0, len(signs), 1024):
        block = np.abs(signs[start : start + 1024] @ signs[start:].T)
        block[np.arange(len(block)), np.arange(len(block))] = 0
        largest = max(largest, int(block.max()))
    return largest


def pack(s: int, tau: float, tries: int, rng: np.random.Generator, batch: int = 1024) -> Packing:
    """Greedy random packing: draw sign vectors, and keep each whose inner products with those kept are at most tau s.

    Args:
        s: dimension.
        tau: largest |<v, w>| of two unit vectors.
        tries: candidates that are drawn; the size is capped by them.
        rng: random generator.
        batch: candidates that are compared at once; the packing depends on it only through the stream.

    Raises:
        ValueError: sizes below one, or tau outside (0, 1).
    """
    if s < 1 or tries < 1 or not 0 < tau < 1:
        raise ValueError(f"s, tries, tau: got {s}, {tries} and {tau}, expected at least 1, 1, and a number in (0, 1)")
    bound = math.floor(tau * s * (1 + 1e-12))
    accepted = np.zeros((0, s), dtype=np.float32)
    for start in range(0, tries, batch):
        candidates = 2 * rng.integers(0, 2, (min(batch, tries - start), s), dtype=np.int8) - 1
        candidates = candidates.astype(np.float32)
        if len(accepted):
            candidates = candidates[np.abs(candidates @ accepted.T).max(axis=1) <= bound]
        near = np.abs(candidates @ candidates.T) > bound
        free, chosen = np.ones(len(candidates), dtype=bool), []
        for i in range(len(candidates)):
            if free[i]:
                chosen.append(i)
                free &= ~near[i]
        accepted = np.concatenate([accepted, candidates[chosen]])
    return Packing(accepted.astype(np.int8), largest_product(accepted))


def polynomial_code(s: int, degree: int) -> np.ndarray:
    """Graphs {(i, f(i))} of all polynomials of a degree over the integers modulo a prime, as sets of s of s^2 points.

    Two of them meet in at most `degree` points.

    Args:
        s: a prime.
        degree: below s.

    Returns:
        f(i), (s^(degree + 1), s), int64.

    Raises:
        ValueError: s is not a prime, or the degree is not below it.
    """
    coefficients = np.array(list(product(range(s), repeat=degree + 1)), dtype=np.int64)
    return evaluate_polynomials(coefficients, s)


def evaluate_polynomials(coefficients, s: int) -> np.ndarray:
    """Values f(0), ..., f(s - 1) of polynomials over the integers modulo a prime.

    Args:
        coefficients: (M, degree + 1), constant term first.
        s: a prime above the degree.

    Raises:
        ValueError: s is not a prime, or the degree is not below it.
    """
    coefficients = np.asarray(coefficients, dtype=np.int64)
    if s < 2 or any(s % k == 0 for k in range(2, math.isqrt(s) + 1)) or not 0 < coefficients.shape[1] <= s:
        raise ValueError(f"s: got {s} and degree {coefficients.shape[1] - 1}, expected a prime and a degree below it")
    points, values = np.arange(s), np.zeros((len(coefficients), s), dtype=np.int64)
    for column in coefficients.T[::-1]:  # Horner
        values = (values * points + column[:, None]) % s
    return values


def indicator_actions(code) -> np.ndarray:
    """Unit vectors 1_T / sqrt(s) in R^(s^2) of the sets T = {(i, f(i))}.

    Args:
        code: values f(i), (N, s).
    """
    code = np.asarray(code)
    n, s = code.shape
    actions = np.zeros((n, s, s))
    actions[np.arange(n)[:, None], np.arange(s), code] = 1 / np.sqrt(s)
    return actions.reshape(n, s * s)


class Hidden(Exception):
    """A needle was played."""


class NeedleQuery(Rewards):
    """Rewards of a needle: `height` at the secret, 0 elsewhere; playing the secret ends the search.

    Args:
        secret: index of the needle.
        height: its reward.
        actions: number N of actions.
    """

    def __init__(self, secret: int, height: float, actions: int):
        super().__init__(height * (np.arange(actions) == secret))
        self._secret = secret

    def __call__(self, action: int) -> float:
        """Reward of an action.

        Raises:
            Hidden: the action is the secret.
        """
        reward = super().__call__(action)
        if action == self._secret:
            raise Hidden
        return reward


def first_hits(search: Callable[[NeedleQuery, int], None], actions: int, height: float) -> np.ndarray:
    """At which of its distinct queries a search plays the needle, for every secret.

    Args:
        search: plays against a query; it is told the secret too, which only a control that cheats may use.
        actions: number N of actions.
        height: reward of the needle.

    Returns:
        (N,) int64, from 1; N + 1 where the search ended without playing the secret.
    """
    hits = np.full(actions, actions + 1)
    for secret in range(actions):
        query = NeedleQuery(secret, height, actions)
        try:
            search(query, secret)
        except Hidden:
            hits[secret] = len(query.order)
    return hits


def is_permutation(hits) -> bool:
    """Whether first hits are 1, ..., N each once: success after q queries is then q / N, which no search can beat."""
    return bool(np.array_equal(np.sort(hits), np.arange(1, len(hits) + 1)))


class Decoy(NamedTuple):
    """Actions e_1, ..., e_d and b = (1, ..., 1) / sqrt(d), with rewards that mislead least squares on a design.

    Args:
        actions: (d + 1, d).
        theta: (d,), 1-sparse.
        rewards: (d + 1,), within eps of actions @ theta.
    """

    actions: np.ndarray
    theta: np.ndarray
    rewards: np.ndarray


def decoy(d: int, eps: float) -> Decoy:
    """The instance on which least squares on the uniform design loses .999 eps (sqrt(d) - 1).

    Raises:
        ValueError: the parameter would have norm above 1.
    """
    length = 0.999 * eps * math.sqrt(d)
    if length > 1:
        raise ValueError(f"eps: got {eps} in dimension {d}, expected at most {1 / (0.999 * math.sqrt(d)):.3g}")
    actions = np.vstack([np.eye(d), np.full(d, 1 / math.sqrt(d))])
    theta = np.zeros(d)
    theta[0] = length
    rewards = actions @ theta
    rewards[1:d] += eps
    return Decoy(actions, theta, rewards)
