"""Private release of second moments x x^T and cross moments x y by each user, and of their sums.

With |x_j| <= a and |y| <= b the outer square changes by 2 d a^2 in the Frobenius norm at most, the cross moment by
2 sqrt(d) a b. Three calibrations:

- `classical`: Gaussian noise by the classical theorem at half of (epsilon, delta) for each release;
- `tight`: the exact Gaussian theorem, once, for the joint vector of the upper triangle and the cross moment. Squares of
  two records have a non-negative inner product, so that the square changes by sqrt(2) d a^2 at most; the triangle with
  off-diagonal entries times sqrt(2) has the Frobenius norm of the whole;
- `pure`: the half-sphere randomiser on that joint vector, without delta.
"""

import math
from typing import NamedTuple

import numpy as np

from lib.privacy.local import (
    analytic_gaussian_sigma,
    check_bounded,
    classical_gaussian_sigma,
    l2_randomizer,
    randomizer_radius,
)

CALIBRATIONS = ("classical", "tight", "pure")


class MomentNoise(NamedTuple):
    """Deviation of what one user adds to an entry on the diagonal and off it, and to an entry of the cross moment."""

    diagonal: float
    off_diagonal: float
    cross: float


def moment_noise(
    calibration: str, dim: int, bound_x: float, bound_y: float, epsilon: float, delta: float
) -> MomentNoise:
    """Noise of one user's release of x x^T and x y, which together are (epsilon, delta)-private.

    Args:
        calibration: one of `CALIBRATIONS`.
        dim: number d of features.
        bound_x: bound on each |x_j|.
        bound_y: bound on |y|.
        epsilon, delta: of both releases together; `pure` does not use delta.

    Raises:
        ValueError: another calibration, or parameters out of range.
    """
    if calibration == "classical":
        square = classical_gaussian_sigma(epsilon / 2, delta / 2, 2 * dim * bound_x**2)
        cross = classical_gaussian_sigma(epsilon / 2, delta / 2, 2 * math.sqrt(dim) * bound_x * bound_y)
        return MomentNoise(square, square, cross)
    if calibration == "tight":
        # of the joint vector whose parts are over d a^2 and sqrt(d) a b: at most sqrt(2 + 4)
        sigma = analytic_gaussian_sigma(epsilon, delta, math.sqrt(6))
        square = sigma * dim * bound_x**2
        return MomentNoise(square, square / math.sqrt(2), sigma * math.sqrt(dim) * bound_x * bound_y)
    if calibration == "pure":
        size = dim * (dim + 3) // 2
        sigma = randomizer_radius(size, math.sqrt(dim**2 + dim), epsilon) / math.sqrt(size)
        return MomentNoise(sigma * bound_x**2, sigma * bound_x**2 / math.sqrt(2), sigma * bound_x * bound_y)
    raise ValueError(f"calibration: got {calibration!r}, expected one of {', '.join(CALIBRATIONS)}")


def cross_noise(dim: int, bound_x: float, bound_y: float, epsilon: float, delta: float) -> float:
    """Deviation of one user's noise on each entry of x y, when nothing else is released (classical Gaussian)."""
    return classical_gaussian_sigma(epsilon, delta, 2 * math.sqrt(dim) * bound_x * bound_y)


def symmetric_noise(
    dim: int, diagonal: float, off_diagonal: float, size: tuple, rng: np.random.Generator
) -> np.ndarray:
    """Symmetric Gaussian matrices (*size, dim, dim): one triangle is drawn, and mirrored."""
    noise = np.zeros((*size, dim, dim))
    rows, columns = np.triu_indices(dim)
    deviation = np.where(rows == columns, diagonal, off_diagonal)
    noise[..., rows, columns] = rng.standard_normal((*size, len(rows))) * deviation
    noise[..., columns, rows] = noise[..., rows, columns]
    return noise


def mean_noise(
    noise: MomentNoise, dim: int, users: float, size: tuple, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Noise of the mean of many users' releases: matrices (*size, d, d) and vectors (*size, d).

    Exact for Gaussian noise, whose mean is Gaussian; for the randomiser it is the Gaussian limit, without the term of
    rank one by which its variance is smaller.
    """
    root = math.sqrt(users)
    square = symmetric_noise(dim, noise.diagonal / root, noise.off_diagonal / root, size, rng)
    return square, rng.standard_normal((*size, dim)) * (noise.cross / root)


def release_moments(
    x: np.ndarray, y: np.ndarray, bound_x: float, bound_y: float, epsilon: float, delta: float,
    rng: np.random.Generator, *, calibration: str = "classical",
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Sums over users of their private releases of x x^T and x y, user by user.

    Args:
        x: (n, d) records, entries at most `bound_x` in absolute value.
        y: (n,) at most `bound_y`.
        bound_x, bound_y: stated beforehand.
        epsilon, delta: privacy of each user's two releases together.
        rng: source of the users' noise.
        calibration: one of `CALIBRATIONS`.

    Returns:
        (d, d) symmetric and (d,): sums, so that chunks of users add up.

    Raises:
        ValueError: records that are not finite or beyond their bounds, shapes that do not fit, parameters out of range.
    """
    x, y = check_bounded(x, bound_x, "x"), check_bounded(y, bound_y, "y")
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"x, y: got shapes {x.shape} and {y.shape}, expected (n, d) and (n,)")
    n, dim = x.shape
    noise = moment_noise(calibration, dim, bound_x, bound_y, epsilon, delta)
    if calibration != "pure":
        # each user draws a triangle and a vector; only their sum is kept
        rows, columns = np.triu_indices(dim)
        square = x.T @ x
        added = rng.standard_normal((n, len(rows))).sum(axis=0)
        added *= np.where(rows == columns, noise.diagonal, noise.off_diagonal)
        square[rows, columns] += added
        square[columns, rows] = square[rows, columns]
        return square, x.T @ y + noise.cross * rng.standard_normal((n, dim)).sum(axis=0)
    rows, columns = np.triu_indices(dim)
    scale = np.where(rows == columns, 1.0, math.sqrt(2)) / bound_x**2
    sent = np.hstack([x[:, rows] * x[:, columns] * scale, x * y[:, None] / (bound_x * bound_y)])
    total = l2_randomizer(sent, math.sqrt(dim**2 + dim), epsilon, rng).sum(axis=0)
    square = np.zeros((dim, dim))
    square[rows, columns] = square[columns, rows] = total[: len(rows)] / scale
    return square, total[len(rows) :] * bound_x * bound_y
