"""Sparse linear regression from locally private releases (Zhu, Ding, Aggarwal, Xu, Wang 2023, arXiv 2310.07367).

Without interaction each user releases x x^T and x y, and the server solves and thresholds. With interaction disjoint
groups of users release gradients of iterative hard thresholding. Constants are our derivation, except for the number of
rounds, the kept entries and the radius of the paper's algorithm 2, which are those of a published re-implementation.

The server sees sums alone, so that n users are simulated by the mean and the noise of their mean: exactly for Gaussian
noise, in the Gaussian limit for the randomiser. `lib.privacy.moments` and `private_rounds` are the user-by-user forms.
"""

import math
from typing import NamedTuple

import numpy as np

from lib.privacy.local import clip, l2_randomizer, randomizer_radius
from lib.privacy.mechanisms import check_positive
from lib.regression.sparse import hard_threshold, soft_threshold


class ClosedForm(NamedTuple):
    """Estimates (..., d) before and after the threshold, that threshold (...,), whether the sample sufficed (...,)."""

    unpenalised: np.ndarray
    theta: np.ndarray
    level: np.ndarray
    valid: np.ndarray


def theory_level(
    dim: int, square_variance: float, cross_variance: float, sampling_variance: float, inverse_norm: float = 1.0,
    length: float = 1.0,
) -> float:  # fmt: skip
    """Threshold that covers the noise of every coordinate with high probability.

    inverse_norm sqrt(2 log(2 d)) sqrt(square length^2 + cross + sampling), where the variances are those of an entry of
    the *means* that the server sees.

    Args:
        dim: number d of features.
        square_variance: of an entry of the noise on the second moments.
        cross_variance: of an entry of the noise on the cross moments.
        sampling_variance: of what sampling adds to an entry.
        inverse_norm: largest l1 norm of a row of the inverse covariance, 1 / kappa.
        length: bound R on |theta|_2.
    """
    return inverse_norm * math.sqrt(
        2 * math.log(2 * dim) * (square_variance * length**2 + cross_variance + sampling_variance)
    )


def solve_private(covariance, cross, level, *, floor: float = 0.0, project: bool = False) -> ClosedForm:
    """Solve noisy normal equations and threshold, for stacks of problems.

    Args:
        covariance: (..., d, d) noisy second moments.
        cross: (..., d) noisy cross moments.
        level: threshold, a number or (...,).
        floor: smallest eigenvalue below which the sample is too small: such rows are not valid.
        project: raise small eigenvalues to the floor instead, an ablation; all rows are valid then.

    Raises:
        ValueError: a floor that is not positive where it is needed.
    """
    covariance, cross = np.asarray(covariance, float), np.asarray(cross, float)
    values, vectors = np.linalg.eigh(covariance)
    valid = values[..., 0] > floor
    if project:
        check_positive(floor=floor)
        values, valid = np.maximum(values, floor), np.ones_like(valid)
    with np.errstate(divide="ignore", invalid="ignore"):
        rotated = np.einsum("...ji,...j->...i", vectors, cross) / values
    solution = np.einsum("...ij,...j->...i", vectors, rotated)
    solution = np.where(valid[..., None], solution, np.nan)
    level = np.broadcast_to(np.asarray(level, float), valid.shape)
    return ClosedForm(solution, soft_threshold(solution, level[..., None]), level, valid)


class Rounds(NamedTuple):
    """Constants of private iterative hard thresholding.

    Args:
        rounds: T, and so many disjoint groups of users.
        kept: entries k' that are kept.
        step: step size.
        simplex: project on the unit l1 ball, and clip inner products at 1, in place of the l2 ball.
    """

    rounds: int
    kept: int
    step: float
    simplex: bool = False

    def inner_bound(self, bound_x: float) -> float:
        """Bound on |<x, theta>| for an iterate: bound_x sqrt(k') on the l2 ball, bound_x on the l1 ball."""
        return bound_x if self.simplex else bound_x * math.sqrt(self.kept)

    def radius(self, dim: int, bound_x: float, bound_y: float) -> float:
        """Bound on the length of a user's gradient: sqrt(d) bound_x (inner bound + bound_y)."""
        return math.sqrt(dim) * bound_x * (self.inner_bound(bound_x) + bound_y)

    def project(self, theta: np.ndarray) -> np.ndarray:
        """The kept entries, on the unit ball."""
        theta = hard_threshold(theta, min(self.kept, theta.shape[-1]))
        if self.simplex:
            return project_simplex(theta)
        return theta / np.maximum(np.linalg.norm(theta, axis=-1, keepdims=True), 1)


def paper_rounds(users: float, sparsity: int) -> Rounds:
    """The paper's constants for an isotropic design: T = ceil(log n) groups, k' = 8 k, step 1."""
    return Rounds(math.ceil(math.log(users)), 8 * sparsity, 1.0)


def project_simplex(values: np.ndarray) -> np.ndarray:
    """Nearest point of the unit l1 ball, along the last axis (Duchi et al. 2008)."""
    size = -np.sort(-np.abs(values), axis=-1)
    excess = (np.cumsum(size, axis=-1) - 1) / np.arange(1, values.shape[-1] + 1)
    last = np.sum(size > excess, axis=-1, keepdims=True) - 1
    level = np.take_along_axis(excess, np.maximum(last, 0), axis=-1)
    inside = size.sum(axis=-1, keepdims=True) <= 1
    return np.where(inside, values, soft_threshold(values, level))


def limit_rounds(
    covariance: np.ndarray, theta: np.ndarray, settings: Rounds, users: float, epsilon: float, bound_x: float,
    bound_y: float, repeats: int, rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Private iterative hard thresholding in the Gaussian limit: each round's mean gradient with the noise of its mean.

    The mean of m randomised gradients has expectation g = covariance (theta_t - theta) and covariance
    (B^2 / d - g g^T) / m exactly, fresh users included; for m of 1e4 and more it is taken as Gaussian. Clipping never
    acts: an iterate of k' entries and length 1 has |<x, theta_t>| <= bound_x sqrt(k').

    Args:
        covariance: (d, d) of x.
        theta: (d,) the truth.
        settings: number of rounds and the rest.
        users: n, in disjoint groups of n / T.
        epsilon: pure privacy of each user.
        bound_x, bound_y: bounds on records.
        repeats: independent runs.
        rng: source of randomness.

    Returns:
        Iterates (repeats, T + 1, d), from 0.

    Raises:
        ValueError: groups of fewer than 1e4 users, for which the limit is not meant.
    """
    group = users // settings.rounds
    if group < 1e4:
        raise ValueError(f"users: got groups of {group:g}, expected 10000 at least; private_rounds simulates each user")
    dim = len(theta)
    length = randomizer_radius(dim, settings.radius(dim, bound_x, bound_y), epsilon)
    path = np.zeros((repeats, settings.rounds + 1, dim))
    for t in range(settings.rounds):
        mean = (path[:, t] - theta) @ covariance
        square = np.einsum("rd,rd->r", mean, mean)[:, None]
        noise = rng.standard_normal((repeats, dim)) * (length / math.sqrt(dim))
        # along the mean gradient the variance is smaller by its square
        along = np.sum(noise * mean, axis=-1, keepdims=True) / np.maximum(square, 1e-300)
        noise -= (1 - np.sqrt(np.maximum(1 - square * dim / length**2, 0))) * along * mean
        path[:, t + 1] = settings.project(path[:, t] - settings.step * (mean + noise / math.sqrt(group)))
    return path


def private_rounds(
    draw, theta_dim: int, settings: Rounds, users: int, epsilon: float, bound_x: float, bound_y: float,
    rng: np.random.Generator, *, chunk: int = 20_000,
) -> np.ndarray:  # fmt: skip
    """Private iterative hard thresholding, user by user, in chunks.

    Args:
        draw: `draw(count, rng)` returns records x (count, d) and y (count,) of fresh users.
        theta_dim: number d of features.
        settings: number of rounds and the rest.
        users: n, in disjoint groups of n // T.
        epsilon: pure privacy of each user.
        bound_x, bound_y: records are clipped to them.
        rng: source of randomness.
        chunk: users at once.

    Returns:
        Iterates (T + 1, d), from 0.
    """
    group, radius = users // settings.rounds, settings.radius(theta_dim, bound_x, bound_y)
    path = np.zeros((settings.rounds + 1, theta_dim))
    for t in range(settings.rounds):
        total = np.zeros(theta_dim)
        for first in range(0, group, chunk):
            gradient = user_gradients(*draw(min(chunk, group - first), rng), path[t], settings, bound_x, bound_y)
            total += l2_randomizer(gradient, radius, epsilon, rng).sum(axis=0)
        path[t + 1] = settings.project(path[t] - settings.step * total / group)
    return path


def user_gradients(
    x: np.ndarray, y: np.ndarray, theta: np.ndarray, settings: Rounds, bound_x: float, bound_y: float
) -> np.ndarray:
    """Gradient x (<x, theta> - y) of each user's clipped record, (n, d), no longer than `settings.radius`."""
    x, y = clip(x, bound_x), clip(y, bound_y)
    bound = settings.inner_bound(bound_x)
    return x * (np.clip(x @ theta, -bound, bound) - y)[:, None]


def peel(
    cross: np.ndarray, kept: int, users: int, epsilon: float, bound: float, rng: np.random.Generator
) -> np.ndarray:
    """Central privacy: k rounds of noisy maximum choose coordinates of the mean of x y, then these are released.

    Half of epsilon chooses, half releases; pure, for replacing one of n records whose |x_j y| is at most `bound`.

    Args:
        cross: (..., d) means of x y.
        kept: number k of coordinates.
        users: number n of records.
        epsilon: of the whole release.
        bound: see above.
        rng: source of randomness.

    Returns:
        (..., d) with k entries that are not zero.
    """
    cross = np.asarray(cross, float)
    scale = 4 * bound * kept / (users * epsilon)
    score = np.abs(cross)
    chosen = np.zeros(cross.shape, bool)
    for _ in range(kept):
        noisy = np.where(chosen, -np.inf, score + rng.laplace(scale=2 * scale, size=score.shape))
        np.put_along_axis(chosen, noisy.argmax(axis=-1)[..., None], True, axis=-1)
    return np.where(chosen, cross + rng.laplace(scale=scale, size=cross.shape), 0.0)
