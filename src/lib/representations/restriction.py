"""The linear invariance constraint E[phi(X) - M A - q | A] = 0 as one number, by a kernel of the actions.

With r = phi - M A - q, residuals of least squares on (A, 1), and a positive definite kernel K of the actions, the
constraint holds if and only if E[K(A, A') r' r] = 0 (maximum moment restriction, Muandet et al. 2020). Its estimate
over a sample is Q = 1' (K o r r') 1 / n^2.
"""

from itertools import product
from math import comb, prod
from typing import NamedTuple

import numpy as np


def median_distance(points: np.ndarray, most: int = 500) -> float:
    """Median distance between two of the first `most` points (n, k).

    Raises:
        ValueError: fewer than two points, or points that are all the same.
    """
    points = np.asarray(points, dtype=float)[:most]
    if len(points) < 2:
        raise ValueError(f"points: got {len(points)}, expected at least two")
    i, j = np.triu_indices(len(points), 1)
    width = float(np.median(np.linalg.norm(points[i] - points[j], axis=1)))
    if not width > 0:
        raise ValueError("points: got equal points, expected actions that vary")
    return width


def gaussian_kernel(points: np.ndarray, width: float) -> np.ndarray:
    """exp(-|a - b|^2 / (2 width^2)) for all pairs of points (n, k)."""
    scaled = np.asarray(points, dtype=float) / width
    square = (scaled**2).sum(axis=1)
    return np.exp(np.minimum(scaled @ scaled.T - 0.5 * square[:, None] - 0.5 * square, 0))


def linear_fit(actions: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of values on (A, 1).

    Args:
        actions: A (n, k), n > k + 1.
        values: (n, p).

    Returns:
        M (p, k), q (p,) and residuals (n, p).

    Raises:
        ValueError: too few rows, or actions whose covariance is singular.
    """
    design = np.column_stack([actions, np.ones(len(actions))])
    if len(design) <= design.shape[1]:
        raise ValueError(f"actions: got {len(design)} rows, expected more than {design.shape[1]}")
    theta, _, rank, _ = np.linalg.lstsq(design, values, rcond=1e-10)
    if rank < design.shape[1]:
        raise ValueError("actions: got a singular covariance, expected actions that vary in every direction")
    return theta[:-1].T, theta[-1], values - design @ theta


def moment_restriction(residual: np.ndarray, kernel: np.ndarray, *, unbiased: bool = False) -> float:
    """Q of residuals (n, p) under a kernel (n, n): a V-statistic, at least 0, or the U-statistic without i = j."""
    n = len(residual)
    total = float((residual * (kernel @ residual)).sum())
    if not unbiased:
        return total / n**2
    return (total - float(np.diag(kernel) @ (residual**2).sum(axis=1))) / (n * (n - 1))


class Restriction(NamedTuple):
    """P K P (n, n), with P the projection on residuals of (A, 1), and an orthonormal basis (n, k + 1) of (A, 1).

    Q of the residuals of any values v (n, p) is tr(v' P K P v) / n^2.
    """

    kernel: np.ndarray
    basis: np.ndarray


def restriction_of(actions: np.ndarray, width: float | None = None) -> Restriction:
    """The restriction for actions (n, k) under a Gaussian kernel, of the median distance as width by default."""
    kernel = gaussian_kernel(actions, width or median_distance(actions))
    basis, _ = np.linalg.qr(np.column_stack([actions, np.ones(len(actions))]))
    half = kernel @ basis
    outer = half @ basis.T
    return Restriction(kernel - outer - outer.T + basis @ (basis.T @ half) @ basis.T, basis)


class RestrictionTest(NamedTuple):
    """Q, and the share of permutations (the identity among them) with a Q at least as large."""

    statistic: float
    pvalue: float


def restriction_test(
    values: np.ndarray, restriction: Restriction, permutations: int, rng: np.random.Generator
) -> RestrictionTest:
    """Permutation test of the constraint: residuals are permuted over the actions and fitted again.

    Args:
        values: phi(X) (n, p); each column is scaled to deviation 1 first.
        restriction: of the actions.
        permutations: how many.
        rng: generator of the permutations.

    Raises:
        ValueError: a constant column.
    """
    n, p = values.shape
    spread = values.std(axis=0)
    if not (spread > 1e-12 * np.abs(values).max()).all():
        raise ValueError("values: got a constant column, expected a representation that varies")
    scaled = (values - values.mean(axis=0)) / spread
    residual = scaled - restriction.basis @ (restriction.basis.T @ scaled)
    order = np.stack([np.arange(n), *(rng.permutation(n) for _ in range(permutations))])
    moved = residual[order].transpose(1, 0, 2).reshape(n, -1)
    q = (moved * (restriction.kernel @ moved)).sum(axis=0).reshape(-1, p).sum(axis=1) / n**2
    return RestrictionTest(float(q[0]), float((q >= q[0] * (1 - 1e-12)).mean()))


def constraint_solutions(matrix: np.ndarray, degree: int = 2) -> int:
    """Dimension of the polynomials f of a total degree for which E[f(M a + V)] is affine in a, V standard normal.

    d + 1, the affine functions, if M (d, k) has full row rank, and more otherwise. E[(z + V)^p] of one coordinate is
    the sum over even j of binomial(p, j) (j - 1)!! z^(p - j).
    """
    d, k = matrix.shape
    powers = [p for p in product(range(degree + 1), repeat=d) if sum(p) <= degree]
    actions = np.random.default_rng(0).standard_normal((6 * len(powers) + k + 2, k))
    z = actions @ matrix.T

    def mean_power(x: np.ndarray, p: int) -> np.ndarray:
        return sum(comb(p, j) * prod(range(1, j, 2)) * x ** (p - j) for j in range(0, p + 1, 2))

    means = np.stack([np.prod([mean_power(z[:, i], e) for i, e in enumerate(p)], axis=0) for p in powers], axis=1)
    _, _, residual = linear_fit(actions, means)
    return len(powers) - int(np.linalg.matrix_rank(residual, tol=1e-8 * np.linalg.norm(means, 2)))
