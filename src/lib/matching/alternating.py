"""What one offline vertex does to its neighbours: runs with and without its success, at equal probabilities.

With equal probabilities a threshold is a number of attempts c_u, geometric. All other thresholds (and ranks) fixed, let
L be the attempts at u if it never succeeded; then u succeeds at attempt k <= L. Each of the L - k attempts that are
withheld starts one alternating path.

- Balance: at most L - k neighbours of u end unmatched or at a load above L, no other vertex is tried less often, and
  the others together are tried at most L - k times more.
- Ranking: u is tried min(k, L) times, exactly max(L - k, 0) of its neighbours end unmatched or at a rank worse than
  that of u, and no online vertex does better than it would have done.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

NEVER = np.iinfo(np.int64).max


@njit(cache=True)
def assign(adjacent, tries, order, by_load):
    """Assign arrivals one by one to a free neighbour, the least tried (`by_load`) or the first in `order`.

    Args:
        adjacent: (offline, online) bool.
        tries: (offline,), attempts until success.
        order: (offline,), ranks, smaller first; they break ties of loads.
        by_load: whether the number of attempts counts before the rank.

    Returns:
        `(choice, level, load)`: for each arrival the vertex and its attempts before, -1 where none is free; attempts at
        each vertex.
    """
    n, arrivals = adjacent.shape
    load = np.zeros(n, np.int64)
    choice, level = np.full(arrivals, -1), np.full(arrivals, -1)
    for v in range(arrivals):
        best = -1
        for u in range(n):
            if not adjacent[u, v] or load[u] >= tries[u]:
                continue
            if best < 0:
                best = u
            elif by_load and load[u] != load[best]:
                if load[u] < load[best]:
                    best = u
            elif order[u] < order[best]:
                best = u
        if best >= 0:
            choice[v], level[v] = best, load[best]
            load[best] += 1
    return choice, level, load


class Comparison(NamedTuple):
    """What the success of u at attempt k changes.

    Args:
        attempts: L, attempts at u if it never succeeded.
        used: attempts at u with success at k.
        hurt: neighbours of u that end unmatched, or above load L (balance), or at a rank worse than u's (ranking).
        excess: attempts that the other vertices gain together.
        reversed: vertices against the order: tried less often (balance, offline), better off (ranking, online).
    """

    attempts: int
    used: int
    hurt: int
    excess: int
    reversed: int


def compare_balance(adjacent, tries, order, u: int, k: int) -> Comparison:
    """Compare balance with and without the success of u at attempt k; arguments as of `assign`."""
    _, _, load0 = assign(adjacent, _with(tries, u, NEVER), order, True)
    choice, level, load = assign(adjacent, _with(tries, u, k), order, True)
    hurt = int(np.sum(adjacent[u] & ((choice < 0) | (level > load0[u]))))
    gained = np.delete(load - load0, u)
    return Comparison(int(load0[u]), int(load[u]), hurt, int(gained.sum()), int(np.sum(gained < 0)))


def compare_ranking(adjacent, tries, order, u: int, k: int) -> Comparison:
    """Compare ranking with and without the success of u at attempt k; arguments as of `assign`."""
    without, _, load0 = assign(adjacent, _with(tries, u, NEVER), order, False)
    choice, _, load = assign(adjacent, _with(tries, u, k), order, False)
    rank = np.append(order, np.inf)  # -1, unmatched, is the worst
    hurt = int(np.sum(adjacent[u] & (rank[choice] > order[u])))
    gained = np.delete(load - load0, u)
    return Comparison(int(load0[u]), int(load[u]), hurt, int(gained.sum()), int(np.sum(rank[choice] < rank[without])))


def _with(tries, u: int, value: int) -> np.ndarray:
    changed = np.array(tries, dtype=np.int64)
    changed[u] = value
    return changed


def random_graph(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random graph, attempts until success and ranks: 2 to 6 offline vertices, 5 to 59 arrivals, density .2 to .9.

    Half of the graphs repeat at most six kinds of arrivals in blocks.

    Returns:
        `(adjacent, tries, order)` as of `assign`, with probability .05, .1 or .2 of success.
    """
    n, arrivals = int(rng.integers(2, 7)), int(rng.integers(5, 60))
    p, density = rng.choice([0.05, 0.1, 0.2]), rng.uniform(0.2, 0.9)
    adjacent = rng.random((n, arrivals)) < density
    if rng.random() < 0.5:
        kinds = np.sort(rng.integers(0, min(6, arrivals), arrivals))
        adjacent = adjacent[:, kinds]
    return adjacent, rng.geometric(p, n), rng.random(n)
