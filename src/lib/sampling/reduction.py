"""Fewer evaluations for a stable design: greedy removal of points, and points that serve a larger space again."""

from typing import NamedTuple

import numpy as np

from lib.sampling.basis import OrthonormalBasis
from lib.sampling.designs import gram

BISECTIONS = 60  # halvings of the bracket of an eigenvalue: to rounding


def smallest_without_each(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Smallest eigenvalue of A - v v^T for many vectors v, by bisection of the secular equation.

    Args:
        matrix: A, symmetric, (..., m, m).
        vectors: v, (..., n, m).

    Returns:
        Eigenvalues (..., n).
    """
    values, basis = np.linalg.eigh(matrix)
    squares = (vectors @ basis) ** 2
    d = values[..., None, :]
    high = np.broadcast_to(values[..., :1], squares.shape[:-1]).copy()  # interlacing
    low = high - np.sum(squares, axis=-1)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = squares / (d - middle[..., None])
        # a bracket that has closed at an eigenvalue whose vector is orthogonal to v gives 0 / 0, which adds nothing
        below = np.nansum(terms, axis=-1) < 1  # no eigenvalue up to the middle
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def remove_points(phi: np.ndarray, w: np.ndarray, delta: float) -> np.ndarray:
    """Take points out of designs, one after the other, as long as lambda_min(G) >= 1 - delta.

    Each step removes the point without which the smallest eigenvalue of G = sum_i w_i phi_i phi_i^T / n, n the number
    of points that remain, is largest (greedy removal of Haberstich, Nouy and Perrin 2022).

    Args:
        phi: values of the m functions at the points, (size, n, m).
        w: weights, (size, n).
        delta: in (0, 1).

    Returns:
        Booleans (size, n): the points that remain, at least m of them. Designs that are not stable stay whole.

    Raises:
        ValueError: delta outside (0, 1).
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta}, expected a number between 0 and 1")
    size, n, m = phi.shape
    remaining = np.ones((size, n), dtype=bool)
    active = np.flatnonzero(np.linalg.eigvalsh(gram(phi, w))[:, 0] >= 1 - delta)
    vectors = np.sqrt(w)[..., None] * phi
    for count in range(n - 1, m - 1, -1):
        inside = vectors[active] * remaining[active, :, None]
        smallest = smallest_without_each(inside.swapaxes(1, 2) @ inside, inside)
        smallest = np.where(remaining[active], smallest, -np.inf)
        worst = np.argmax(smallest, axis=1)
        stable = np.take_along_axis(smallest, worst[:, None], axis=1)[:, 0] >= count * (1 - delta)
        active, worst = active[stable], worst[stable]
        if not active.size:
            break
        remaining[active, worst] = False
    return remaining


class Recycled(NamedTuple):
    """Independent points (n, dim) of a larger space's Christoffel density, the first `reused` of them from before."""

    x: np.ndarray
    reused: int


def recycle_points(
    x: np.ndarray, smaller: OrthonormalBasis, larger: OrthonormalBasis, n: int, rng: np.random.Generator
) -> Recycled:
    """Independent points of a larger space's Christoffel density, with as many as possible from a smaller space's.

    k_M / M dmu = (m / M) k_m / m dmu + (1 - m / M) times the mean of phi_j^2 dmu over j > m: each new point belongs to
    the first part with probability m / M, and then is one of the old points while there are any (the hierarchical
    sampling of Arras, Bachmayr and Cohen 2019).

    Args:
        x: independent points of the smaller space's Christoffel density, (k, dim), in any order that does not look at
            their places.
        smaller: basis of m functions.
        larger: basis of M > m functions, of which the first m are those of `smaller`.
        n: number of points asked for.
        rng: generator.

    Raises:
        ValueError: bases that are not nested, or n < 1.
    """
    if n < 1:
        raise ValueError(f"n: got {n}, expected at least 1")
    m, total = smaller.size, larger.size
    probe = larger.sample_reference((3,), np.random.default_rng(0))
    nested = smaller.dim == larger.dim and m < total
    if not (nested and np.allclose(larger.evaluate(probe)[:, :m], smaller.evaluate(probe))):
        raise ValueError(f"smaller: got {smaller}, expected the first functions of {larger}")
    first = int(rng.binomial(n, m / total))
    reused = min(first, len(x))
    fresh = larger.sample_component(rng.integers(m, size=first - reused), rng)
    new = larger.sample_component(rng.integers(m, total, size=n - first), rng)
    return Recycled(np.concatenate([x[:reused], fresh, new]), reused)
