"""Algorithms for linear bandits whose rewards are off by up to eps: elimination, designs, nets.

Each takes actions (N, d) and `query`, a function from an action's index to its reward (`lib.bandits.rewards.Rewards`),
and returns a `Choice`; how many distinct actions it queried is in `query`.
"""

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lib.bandits.designs import Design, g_optimal_design, least_squares
from lib.bandits.net import RankedNet

ROUNDING = 1e-9  # relative slack of comparisons with eps, for rewards that lie exactly on the bound


class Choice(NamedTuple):
    """What an algorithm returns.

    Args:
        action: index of the chosen action.
        consistent: False where every candidate was refuted, so that the model cannot hold; the action is then the best
            of the queried ones.
    """

    action: int
    consistent: bool = True


def eliminate_optimistically(score, action, predict: Callable, query: Callable, tolerance: float) -> Choice:
    """Query what the most optimistic surviving candidate would play, until a candidate's promise is kept.

    Each query that refutes its own candidate ends that candidate, so there are at most as many queries as candidates.

    Args:
        score: (M,) largest value that each candidate promises.
        action: (M,) index of the action of which it promises it.
        predict: from an action's index to the values (M,) that the candidates give it.
        query: from an action's index to its reward.
        tolerance: a candidate is refuted by a queried action whose reward differs from its value by more.
    """
    score, action = np.asarray(score), np.asarray(action)
    bound = tolerance * (1 + ROUNDING)
    alive = np.ones(score.shape, dtype=bool)
    for candidate in np.argsort(-score, kind="stable"):
        if not alive[candidate]:
            continue
        played = int(action[candidate])
        alive &= np.abs(predict(played) - query(played)) <= bound
        if alive[candidate]:
            return Choice(played)
    return Choice(query.best(), consistent=False)


def eliminate_on_net(actions, ranked: RankedNet, query: Callable, eps: float) -> Choice:
    """Optimistic elimination over a sparse net: at most 4 eps from the best action where the model holds.

    A net point within eps of the true parameter is never refuted at tolerance 2 eps (eps of misspecification, eps of
    the net), promises the best action at least r(a*) - 2 eps, and the point that stops the search promises no less.

    Args:
        actions: (N, d) of norm at most 1.
        ranked: the net of radius eps, ranked on these actions (`lib.bandits.net.rank_net`).
        query: from an action's index to its reward.
        eps: largest difference between a reward and the linear model.
    """
    supports, grid = ranked.net
    actions = np.asarray(actions, dtype=float)

    def predict(played: int) -> np.ndarray:
        return (actions[played, supports] @ grid.T).ravel()

    return eliminate_optimistically(ranked.score.ravel(), ranked.action.ravel(), predict, query, 2 * eps)


def query_whole_net(ranked: RankedNet, query: Callable) -> Choice:
    """Query the greedy action of every net point and return the best: the same guarantee without adaptivity."""
    for action in np.unique(ranked.action):
        query(action)
    return Choice(query.best())


def design_and_fit(actions, design: Design, query: Callable) -> tuple[Choice, np.ndarray]:
    """Query a design's actions and return the action of the largest prediction.

    With g the design's worst variance, about d, it is within 2 eps (1 + sqrt(g)) of the best.

    Args:
        actions: (N, d).
        design: a G-optimal design on them.
        query: from an action's index to its reward.

    Returns:
        The choice, and the fitted parameter (d,).

    Source: Lattimore, Szepesvari and Weisz 2020.
    """
    theta = least_squares(actions, design, [query(action) for action in design.support])
    return Choice(int(np.argmax(actions @ theta))), theta


def better_of_predicted_and_queried(actions, design: Design, query: Callable) -> Choice:
    """`design_and_fit`, then one more query: the better of the predicted action and the best of the queried ones."""
    choice, _ = design_and_fit(actions, design, query)
    query(choice.action)
    return Choice(query.best())


class SupportDesigns(NamedTuple):
    """A G-optimal design on the columns of each support.

    Args:
        supports: (C, s).
        designs: one for each support.
    """

    supports: np.ndarray
    designs: tuple[Design, ...]


def design_supports(actions, sparsity: int, tolerance: float = 0.05) -> SupportDesigns:
    """Designs of all C(d, s) supports.

    Raises:
        ValueError: the actions do not span the coordinates of a support.
    """
    actions = np.asarray(actions, dtype=float)
    supports = np.array(list(combinations(range(actions.shape[1]), sparsity)))
    return SupportDesigns(supports, tuple(g_optimal_design(actions[:, s], tolerance) for s in supports))


def eliminate_supports(actions, supported: SupportDesigns, query: Callable, eps: float) -> Choice:
    """Fit each support on its own design, then eliminate supports optimistically; no net, so no power of 1 / eps.

    With g the worst variance of the designs, predictions of the true support are off by eps sqrt(g) at most, hence its
    residuals by w = eps (1 + sqrt(g)), and the returned action is within 2 w of the best.

    Args:
        actions: (N, d).
        supported: designs of all supports (`design_supports`).
        query: from an action's index to its reward.
        eps: largest difference between a reward and the linear model.
    """
    actions = np.asarray(actions, dtype=float)
    supports, designs = supported
    fits = []
    for support, design in zip(supports, designs):
        fits.append(least_squares(actions[:, support], design, [query(action) for action in design.support]))
    fits = np.array(fits)
    width = eps * (1 + np.sqrt(max(design.worst for design in designs)))
    values = np.einsum("ncs,cs->cn", actions[:, supports], fits)
    seen = query.order
    rewards = np.array([query(action) for action in seen])
    alive = np.all(np.abs(values[:, seen] - rewards) <= width * (1 + ROUNDING), axis=1)
    if not alive.any():
        return Choice(query.best(), consistent=False)
    rows = np.flatnonzero(alive)
    order = values[rows].ravel()  # every action of every surviving support is a candidate

    def predict(played: int) -> np.ndarray:
        return np.repeat(values[rows, played], len(actions))

    return eliminate_optimistically(order, np.tile(np.arange(len(actions)), len(rows)), predict, query, width)


def best_of_random(count: int, actions: int, query: Callable, rng: np.random.Generator) -> Choice:
    """Query so many distinct actions at random and return the best."""
    for action in rng.choice(actions, size=count, replace=False):
        query(action)
    return Choice(query.best())
