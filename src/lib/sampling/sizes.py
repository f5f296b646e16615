"""Number of points that a strategy needs for a well conditioned Gram matrix."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from lib.sampling.basis import OrthonormalBasis
from lib.sampling.designs import growing_gram, points_multiple


def candidate_sizes(strategy: str, m: int, step: float, largest: float) -> list[int]:
    """Ascending numbers of points: multiples of m, or geometric steps where the strategy has designs of any size.

    Args:
        strategy: a key of `lib.sampling.designs.STRATEGIES`.
        m: number of functions.
        step: ratio of neighbours; 1 asks for multiples of m.
        largest: highest number of points over m.

    Raises:
        ValueError: an unknown strategy, or a step below 1.
    """
    if step < 1:
        raise ValueError(f"step: got {step}, expected at least 1")
    multiple = points_multiple(strategy, m)
    if multiple == 1 and step > 1:
        count = math.ceil(math.log(largest) / math.log(step))
        return sorted({round(m * step**k) for k in range(count + 1)})
    multiple = max(multiple, m)
    return list(range(multiple, int(largest * m) + 1, multiple))


class Search(NamedTuple):
    """Number of points needed for each level (NaN: not reached), and `(n, probability)` along the way."""

    needed: np.ndarray
    path: list[tuple[int, float]]


def search_sizes(
    strategy: str,
    basis: OrthonormalBasis,
    sizes: Iterable[int],
    levels: Iterable[float],
    repetitions: int,
    delta: float,
    rng: np.random.Generator,
) -> Search:
    """First number of points with Pr(lambda_min(G) >= 1 - delta) at or above each level.

    Args:
        strategy, basis: as for `lib.sampling.designs.growing_gram`, whose designs grow with n.
        sizes: ascending numbers of points to try; the search ends once all levels are reached.
        levels: ascending probabilities.
        repetitions: independent designs.
        delta: in (0, 1).
        rng: generator.

    Raises:
        ValueError: as `growing_gram`.
    """
    levels = np.asarray(levels, dtype=float)
    needed, path = np.full(len(levels), np.nan), []
    for n, matrices in growing_gram(strategy, basis, sizes, rng, repetitions):
        good = int(np.sum(np.linalg.eigvalsh(matrices)[:, 0] >= 1 - delta))
        path.append((n, good / repetitions))
        needed[np.isnan(needed) & (good >= levels * repetitions)] = n
        if not np.any(np.isnan(needed)):
            break
    return Search(needed, path)
