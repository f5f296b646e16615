"""Leading singular triplets of an operator by Golub-Kahan-Lanczos bidiagonalisation."""

from typing import NamedTuple

import numpy as np


class Triplets(NamedTuple):
    """Singular values (k,), left (m, k) and right (n, k) vectors, residuals ||A' u - s v|| / s_1 (k,), steps."""

    values: np.ndarray
    left: np.ndarray
    right: np.ndarray
    residuals: np.ndarray
    steps: int


GROWTH = 1.2  # of the number of steps between two decompositions of the small matrix, whose price is that number cubed
VANISHED = 1e-13  # relative length of a remainder that is rounding


def _next_direction(vector, basis: np.ndarray, scale: float, rng) -> tuple[np.ndarray, float]:
    """Unit vector of what is left of a vector off the basis (rows), and its length.

    Where nothing is left the length is 0 and the direction random, so that the process goes on in another invariant
    subspace; where the basis is complete it is zero.
    """
    vector = np.asarray(vector, dtype=float)
    for _ in range(2):  # once is not enough in floating point
        vector = vector - (basis @ vector) @ basis
    length = float(np.linalg.norm(vector))
    if length > VANISHED * scale and len(basis) < len(vector):
        return vector / length, length
    if len(basis) >= len(vector):
        return np.zeros_like(vector), 0.0
    fresh = rng.standard_normal(len(vector))
    for _ in range(2):
        fresh -= (basis @ fresh) @ basis
    return fresh / np.linalg.norm(fresh), 0.0


def leading_triplets(
    operator, count: int, *, tolerance: float = 1e-8, seed: int = 0, steps: int | None = None
) -> Triplets:
    """Largest singular values of an operator and their vectors, with full reorthogonalisation.

    Args:
        operator: has `shape`, `matvec` and `rmatvec`; a NumPy matrix through `scipy.sparse.linalg.aslinearoperator`.
        count: number k of triplets, at most min(m, n).
        tolerance: residual of each triplet over the largest singular value.
        seed: of the first vector.
        steps: largest number of steps; min(m, n) by default, where the process ends by itself.

    Of equal singular values one is certain to be among the first triplets, the others where more steps were needed.

    Raises:
        ValueError: a count outside 1 to min(m, n), or triplets that did not converge in `steps`.

    Source: Golub and Kahan 1965, SIAM Journal on Numerical Analysis 2, 205.
    """
    m, n = operator.shape
    if not 1 <= count <= min(m, n):
        raise ValueError(f"count: got {count}, expected 1 to {min(m, n)}")
    most = min(m, n) if steps is None else max(count, min(steps, m, n))
    rng = np.random.default_rng(seed)
    left, right = np.zeros((most + 1, m)), np.zeros((most + 1, n))  # pages are taken when they are written
    matrix = np.zeros((most + 1, most))  # lower bidiagonal: A right' = left' matrix
    left[0], _ = _next_direction(rng.standard_normal(m), left[:0], 0.0, rng)
    right[0], alpha = _next_direction(operator.rmatvec(left[0]), right[:0], 0.0, rng)
    scale, next_check = alpha, count
    for j in range(most):
        matrix[j, j] = alpha
        left[j + 1], beta = _next_direction(operator.matvec(right[j]), left[: j + 1], scale, rng)
        matrix[j + 1, j] = beta
        right[j + 1], alpha = _next_direction(operator.rmatvec(left[j + 1]), right[: j + 1], scale, rng)
        scale = max(scale, alpha, beta)
        if j + 1 in (most, next_check):
            next_check = max(next_check + 5, int(GROWTH * next_check))
            small_left, values, small_right = np.linalg.svd(matrix[: j + 2, : j + 1], full_matrices=False)
            residuals = alpha * np.abs(small_left[-1, :count]) / max(values[0], np.finfo(float).tiny)
            if np.all(residuals <= tolerance):
                u, v = left[: j + 2].T @ small_left[:, :count], right[: j + 1].T @ small_right[:count].T
                return Triplets(values[:count], u, v, residuals, j + 1)
    raise ValueError(f"steps: {most} left residuals up to {residuals.max():.1e}, expected at most {tolerance:g}")
