"""A process in which offline and online data together beat either: a rare branch that the offline data never saw.

State 0: action 0 leads to state 1, but with probability q to the rare state 2; action 1 leads to state 3, action 2 to
state 1. State 1 has two actions that pay 1/2 +- 2 eps, state 2 four actions of which one pays 1 and the others nothing,
state 3 one that pays 0.3. With q = 8 eps the best policy takes action 0, and all others lose more than eps.

With `layers` above 2, layers of two states come first, in which actions pay 1/2 and change nothing.
"""

import itertools

import numpy as np

from lib.mdp.counts import Counts, draw_tuples
from lib.mdp.finite_horizon import make_process
from lib.mdp.pedel import Problem

START, COMMON, RARE, SURE = range(4)
VALID = (3, 2, 4, 1)  # actions of each state
STATES = ACTIONS = 4
PAYING = 2  # the action of the rare state that pays, unless labels are shuffled


def rare_chance(eps: float) -> float:
    """Q = min(1/2, 8 eps)."""
    if not 0 < eps < 0.25:
        raise ValueError(f"eps: got {eps}, expected a number between 0 and 1/4")
    return min(0.5, 8 * eps)


def rare_branch(eps: float, *, layers: int = 2, paying=PAYING) -> Problem:
    """The process, with its 11 policies (22 with a warm-up, whose action is constant).

    Args:
        eps: scale of all gaps, below 1/4.
        layers: horizon H, two at least.
        paying: action of the rare state that pays: one number, or (B,) for replicates with rewards of their own.

    Raises:
        ValueError: an eps or a horizon outside its range.
    """
    q = rare_chance(eps)
    if layers < 2:
        raise ValueError(f"layers: got {layers}, expected 2 at least")
    warm = layers - 2
    transition = np.zeros((layers, STATES, ACTIONS, STATES))
    for h in range(warm):  # states 0 and 1, equally likely next; the last warm-up layer leads to the start state
        transition[h, :, :, :2] = 0.5
        if h == warm - 1:
            transition[h] = np.eye(STATES)[START]
    transition[warm, :, :, COMMON] = 1
    transition[warm, START, 0, COMMON], transition[warm, START, 0, RARE] = 1 - q, q
    transition[warm, START, 1] = np.eye(STATES)[SURE]
    transition[-1, ..., START] = 1
    paying = np.asarray(paying)
    reward = np.zeros((*paying.shape, layers, STATES, ACTIONS))
    reward[..., :warm, :2, :2] = 0.5
    reward[..., -1, COMMON, :2] = 0.5 + 2 * eps, 0.5 - 2 * eps
    reward[..., -1, SURE, 0] = 0.3
    np.put_along_axis(reward[..., -1, RARE, :], paying[..., None], 1, axis=-1)
    choices = [(0, common, rare) for common in range(2) for rare in range(4)] + [(1, 0, 0), (2, 0, 0), (2, 1, 0)]
    policies = []
    for warm_action, (first, common, rare) in itertools.product(range(2 if warm else 1), choices):
        rule = np.zeros((layers, STATES, ACTIONS))
        rule[:, :, 0] = 1
        rule[:warm] = np.eye(ACTIONS)[warm_action]
        rule[warm, START] = np.eye(ACTIONS)[first]
        rule[-1, COMMON], rule[-1, RARE] = np.eye(ACTIONS)[common], np.eye(ACTIONS)[rare]
        policies.append(rule)
    return Problem(make_process(transition, np.eye(STATES)[START]), reward, np.array(policies))


def visited_offline(layers: int = 2) -> np.ndarray:
    """Which actions the offline data hold: all but those of the rare state, (H, S, A)."""
    warm = layers - 2
    seen = np.zeros((layers, STATES, ACTIONS), dtype=bool)
    seen[:warm, :2, :2] = True
    seen[warm, START, : VALID[START]] = True
    seen[-1, COMMON, : VALID[COMMON]] = True
    seen[-1, SURE, : VALID[SURE]] = True
    return seen


def valid_actions() -> np.ndarray:
    """Which actions there are in a process of two layers, (2, S, A); the others are copies that no policy takes."""
    return np.broadcast_to(np.arange(ACTIONS) < np.array(VALID)[:, None], (2, STATES, ACTIONS))


def offline_size(eps: float, beta: float) -> int:
    """Tuples of each action that leave online play with the rare state alone: 2 beta / eps^2."""
    return int(np.ceil(2 * beta / eps**2))


def draw_offline(problem: Problem, tuples: int, replicates: int, rng: np.random.Generator) -> Counts:
    """Offline data of replicates, with so many tuples of each action that is seen; zero tuples make no data."""
    layers = problem.reward.shape[-3]
    numbers = np.broadcast_to(tuples * visited_offline(layers), (replicates, layers, STATES, ACTIONS))
    return draw_tuples(problem.process.transition, problem.reward, numbers, rng)


def uniform_after(first: int) -> np.ndarray:
    """The policy (1, 2, S, A) that takes one action in state 0 and any valid one, at random, afterwards."""
    rule = np.zeros((1, 2, STATES, ACTIONS))
    rule[0, 0, :, first] = 1
    for state, number in enumerate(VALID):
        rule[0, 1, state, :number] = 1 / number
    return rule


def hybrid_lower_bound(eps: float, delta: float) -> float:
    """Online episodes without which any learner fails with probability delta, whatever its offline data.

    The paying action of the rare state is uniform among four, and a learner that never sees the state misses it with
    probability 3/4; each episode sees it with probability q at most: 3/4 (1 - q)^n <= delta.
    """
    return float(np.log(0.75 / delta) / -np.log1p(-rare_chance(eps)))


def bernoulli_divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of two Bernoulli laws, in nats."""
    return float(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))


def online_lower_bound(eps: float, delta: float) -> float:
    """Episodes without which a learner that has no offline data confuses the two actions of the common state."""
    return float(np.log(1 / (2.4 * delta)) / bernoulli_divergence(0.5 - 2 * eps, 0.5 + 2 * eps))
