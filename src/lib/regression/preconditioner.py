"""A preconditioner of random columns: for any design it makes signals on a random support cheap in a weighted l1 norm.

Draw r columns at random, let U be their span and rho_i the distance of column i from U. For a support S that is
uniformly random too, with probability at least 1 - k (k - 1) / (r + k - 1), every column of S is closer to U than to
the span of the rest of S, rho_i <= D_i, and then sum_i |w_i| rho_i <= k |X w| for every w on S. Nothing is asked of X.

Proof: fix i and the r + k - 1 other columns of S and R together; which k - 1 of them are those of S is uniform. Call a
choice bad where D_i < rho_i. Two bad choices meet: if they were disjoint, each would lie in what the other leaves to R,
and the distance of each would be the smaller one. By the theorem of Erdős, Ko and Rado at most a share
(k - 1) / (r + k - 1) of all choices is bad; sum over the k columns. Columns that R and S share have rho = 0, and with
r at least k - 1 sharing does not raise the share of the others. The bound and its proof are ours.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg

TOLERANCE = 1e-10  # a column closer to the span than this share of its length lies in it to working precision


class Preconditioner(NamedTuple):
    """Span of some columns and the distances of all columns from it.

    Attributes:
        basis: (n, r') orthonormal, r' the numerical rank of the chosen columns.
        distances: (d,), zero where a column lies in the span to working precision.
        columns: (r,) places of the chosen columns.
    """

    basis: np.ndarray
    distances: np.ndarray
    columns: np.ndarray


class Factors(NamedTuple):
    """QR factorisation of independent columns, x[:, places] = basis @ triangle."""

    basis: np.ndarray
    triangle: np.ndarray
    places: np.ndarray


def factorise(columns: np.ndarray, rtol: float = TOLERANCE) -> Factors:
    """Factorise a largest set of independent columns, by QR with column pivoting.

    Columns are scaled to equal length first; one counts where its pivot is at least `rtol` of that length.

    Args:
        columns: (n, r); none is allowed.
        rtol: smallest pivot.
    """
    columns = np.asarray(columns, dtype=float)
    lengths = np.linalg.norm(columns, axis=0)
    nonzero = np.flatnonzero(lengths > 0)
    if not len(nonzero):
        return Factors(np.zeros((len(columns), 0)), np.zeros((0, 0)), nonzero)
    basis, triangle, order = linalg.qr(columns[:, nonzero] / lengths[nonzero], mode="economic", pivoting=True)
    size = int(np.sum(np.abs(np.diag(triangle)) >= rtol))
    places = nonzero[order[:size]]
    return Factors(basis[:, :size], triangle[:size, :size] * lengths[places], places)


def spanning_basis(columns: np.ndarray, rtol: float = TOLERANCE) -> np.ndarray:
    """Orthonormal basis (n, r') of the span of some columns; arguments as of `factorise`."""
    return factorise(columns, rtol).basis


def residualise(x: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What is left of columns (n, d) or a column (n,) after projection on the orthonormal `basis` (n, r).

    Twice: after one pass, what is left of a column near the span still has rounding errors in it.
    """
    for _ in range(2):
        x = x - basis @ (basis.T @ x)
    return x


def distances_from(x: np.ndarray, residuals: np.ndarray, rtol: float = TOLERANCE) -> np.ndarray:
    """Lengths (d,) of residuals of the columns of x, zero where they are less than `rtol` of those of x."""
    distances, lengths = np.linalg.norm(residuals, axis=0), np.linalg.norm(x, axis=0)
    return np.where(distances >= rtol * lengths, distances, 0.0)


def precondition(x: np.ndarray, columns, rtol: float = TOLERANCE) -> Preconditioner:
    """Preconditioner of chosen columns.

    Args:
        x: (n, d).
        columns: (r,) places, r < n; none are allowed.
        rtol: below this share of a column's length its distance counts as zero.

    Raises:
        ValueError: entries that are not finite, as many columns as rows or more, or places that x does not have.
    """
    x, columns = np.asarray(x, dtype=float), np.asarray(columns, dtype=int)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"x: got shape {x.shape} or entries that are not finite, expected a finite matrix (n, d)")
    if len(columns) >= len(x):
        raise ValueError(f"columns: got {len(columns)}, expected fewer than the {len(x)} rows")
    if len(columns) and not (columns.min() >= 0 and columns.max() < x.shape[1]):
        raise ValueError(f"columns: got {columns.min()} to {columns.max()}, expected 0 to {x.shape[1] - 1}")
    basis = spanning_basis(x[:, columns], rtol)
    distances = distances_from(x, residualise(x, basis), rtol)
    distances[columns] = 0.0
    return Preconditioner(basis, distances, columns)


def random_column_preconditioner(
    x: np.ndarray, size: int, rng: np.random.Generator, rtol: float = TOLERANCE
) -> Preconditioner:
    """Preconditioner of `size` columns drawn at random, which must not depend on the support or the noise.

    Args:
        x: (n, d).
        size: r, less than n and at most d.
        rng: source of the columns; of a stream of its own.
        rtol: as of `precondition`.

    Raises:
        ValueError: as of `precondition`, or more columns than there are.
    """
    dim = np.shape(x)[1]
    if not 0 <= size <= dim:
        raise ValueError(f"size: got {size}, expected 0 to {dim}")
    return precondition(x, np.sort(rng.choice(dim, size, replace=False)), rtol)


def default_size(rows: int, sparsity: int) -> int:
    """Columns r = min(2 k^2, n / 4) that balance the bound on failure against the price r / n."""
    return max(1, min(2 * sparsity**2, rows // 4))


def failure_bound(sparsity: int, size: int) -> float:
    """Bound k (k - 1) / (r + k - 1) on the probability that a column of S is farther from U than from the rest of S."""
    return sparsity * (sparsity - 1) / (size + sparsity - 1) if sparsity > 1 else 0.0


def columns_needed(sparsity: int, failure: float) -> int:
    """Fewest columns r with `failure_bound` at most `failure`.

    Raises:
        ValueError: a probability outside (0, 1).
    """
    if not 0 < failure < 1:
        raise ValueError(f"failure: got {failure}, expected a probability between 0 and 1")
    size = int(np.ceil(sparsity * (sparsity - 1) / failure)) - sparsity + 1
    while failure_bound(sparsity, max(size, 0)) > failure:
        size += 1
    return max(size, sparsity - 1)


def distances_within(x: np.ndarray, support) -> np.ndarray:
    """Distance (k,) of each column of the support from the span of the others."""
    chosen = np.asarray(x, dtype=float)[:, np.asarray(support)]
    others = [np.delete(chosen, i, axis=1) for i in range(chosen.shape[1])]
    return np.array(
        [np.linalg.norm(residualise(chosen[:, i], spanning_basis(rest, 1e-15))) for i, rest in enumerate(others)]
    )


def violates(x: np.ndarray, support, preconditioner: Preconditioner, rtol: float = TOLERANCE) -> bool:
    """Whether a column of the support is farther from U than from the rest of the support.

    A difference below 1e-9 of the distance, or below `rtol` of the column's length, is rounding.
    """
    rho = preconditioner.distances[support]
    lengths = np.linalg.norm(x[:, support], axis=0)
    return bool(np.any(rho > np.maximum(distances_within(x, support) * (1 + 1e-9), rtol * lengths)))


def largest_cost(x: np.ndarray, support, distances: np.ndarray) -> float:
    """Largest sum_i |w_i| rho_i / (k |X w|) over all w on the support, exactly.

    With X_S = Q T it is the largest |T^-T (e * rho)| / k over signs e: a convex function of them, tried at all 2^(k-1).
    Where X_S is singular and rho is not zero on a null vector, it is infinite.

    Args:
        x: (n, d).
        support: (k,) places, 16 at most.
        distances: (k,) rho on the support.

    Raises:
        ValueError: more than 16 places.
    """
    support = np.asarray(support)
    k = len(support)
    if k > 16:
        raise ValueError(f"support: got {k} places, expected at most 16, since 2^{k - 1} signs are tried")
    triangle = np.linalg.qr(x[:, support], mode="r")
    signs = 1.0 - 2.0 * ((np.arange(2 ** (k - 1))[:, None] >> np.arange(k)) & 1)
    targets = (signs * distances).T
    try:
        costs = linalg.solve_triangular(triangle, targets, trans="T")
    except linalg.LinAlgError:
        costs = np.full_like(targets, np.inf if np.any(distances > 0) else 0.0)
    return float(np.linalg.norm(costs, axis=0).max() / k)
