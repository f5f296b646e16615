"""Searches for representations that are invariant on training environments, and baselines."""

import itertools

import numpy as np
from scipy import optimize

from lib.invariance.gradients import split, subset_moments, violated_share
from lib.invariance.heads import feasible_heads

OBJECTIVES = 3


def candidate_subsets(
    covariates, parents, rng: np.random.Generator, *, largest: int = 3, most: int | None = None, through=None
) -> list[np.ndarray]:
    """Subsets of covariates: all up to a size or `most` at random, and the parents of the target.

    Args:
        covariates: nodes that may be chosen.
        parents: of the target, always among the subsets.
        rng: chooses where there are too many.
        largest: largest size.
        most: of all subsets; with `through`, of those of the largest size.
        through: nodes one of which a subset of the largest size must contain; smaller ones are all taken.
    """
    by_size = [list(itertools.combinations(covariates, size)) for size in range(1, largest + 1)]
    if through is not None:
        last = [one for one in by_size[-1] if set(one) & set(through)]
        chosen = [*itertools.chain(*by_size[:-1]), *_some(last, most, rng)]
    else:
        chosen = _some(list(itertools.chain(*by_size)), most, rng)
    return [np.array(one) for one in dict.fromkeys([*chosen, tuple(int(p) for p in parents)])]


def _some(items: list, most: int | None, rng) -> list:
    if most is None or len(items) <= most:
        return items
    return [items[i] for i in np.sort(rng.choice(len(items), most, replace=False))]


def worst_violation(
    train, test, target: int, subsets: list[np.ndarray], tolerance: float, rng: np.random.Generator,
    *, other=None, test_tolerance: float | None = None,
) -> tuple[float, int, float]:  # fmt: skip
    """Largest share of test environments that an extreme invariant head violates, over subsets and objectives.

    Args:
        train: (m, n, n) second moments of training environments.
        test: (E, n, n) of test environments.
        target: node that is predicted.
        subsets: candidates.
        tolerance: eps on training environments.
        rng: draws `OBJECTIVES` objectives for each subset.
        other: further test environments, for the third value.
        test_tolerance: eps on test environments, that of training by default.

    Returns:
        The share, the number of subsets with a feasible head, and the share over `other` (NaN without). Shares are 0
        where no subset has a feasible head.
    """
    test_tolerance = tolerance if test_tolerance is None else test_tolerance
    worst, feasible, worst_other = 0.0, 0, 0.0
    for subset in subsets:
        objectives = rng.standard_normal((OBJECTIVES, len(subset)))
        heads, _ = feasible_heads(*subset_moments(train, subset, target), tolerance, objectives)
        if np.isnan(heads).any():
            continue
        feasible += 1
        worst = max(worst, violated_share(*subset_moments(test, subset, target), heads, test_tolerance).max())
        if other is not None:
            worst_other = max(
                worst_other, violated_share(*subset_moments(other, subset, target), heads, test_tolerance).max()
            )
    return float(worst), feasible, float(worst_other) if other is not None else float("nan")


def invariant_directions(
    square, cross, starts, *, iterations: int = 200, tolerance: float = 1e-14
) -> tuple[np.ndarray, np.ndarray]:
    """Solve phi^T Sigma_e phi = phi^T sigma_e for all e by Levenberg-Marquardt, from many starts at once.

    Args:
        square: (..., m, d, d) second moments; leading axes as of the starts.
        cross: (..., m, d).
        starts: (..., d).
        iterations: most steps.
        tolerance: largest residual at which all stop.

    Returns:
        phi (..., d) and the largest residual (...,) of each.
    """
    phi = np.array(starts, float)
    damping = np.full(phi.shape[:-1], 1e-3)

    def evaluate(point):
        images = np.einsum("...mij,...j->...mi", square, point)
        residual = np.einsum("...mi,...i->...m", images - cross, point)
        return residual, 2 * images - cross

    residual, jacobian = evaluate(phi)
    for _ in range(iterations):
        # the step of least norm: more unknowns than equations
        gram = jacobian @ np.swapaxes(jacobian, -1, -2)
        size = np.einsum("...mm->...", gram) / gram.shape[-1]
        gram = gram + (damping * size)[..., None, None] * np.eye(gram.shape[-1])
        step = -np.einsum("...mi,...m->...i", jacobian, np.linalg.solve(gram, residual[..., None])[..., 0])
        trial = phi + step
        trial_residual, trial_jacobian = evaluate(trial)
        better = np.sum(trial_residual**2, axis=-1) < np.sum(residual**2, axis=-1)
        phi = np.where(better[..., None], trial, phi)
        residual = np.where(better[..., None], trial_residual, residual)
        jacobian = np.where(better[..., None, None], trial_jacobian, jacobian)
        damping = np.clip(np.where(better, damping / 10, damping * 5), 1e-12, 1e6)
        if np.abs(residual).max() < tolerance:
            break
    return phi, np.abs(residual).max(axis=-1)


def pooled_least_squares(train, target: int) -> np.ndarray:
    """Coefficients (d,) of least squares on all covariates and the mean of the environments."""
    square, cross, _ = split(np.mean(train, axis=0), target)
    return np.linalg.solve(square, cross)


def irm(train, target: int, penalty: float) -> np.ndarray:
    """Coefficients phi (d,) of IRMv1 with a diagonal representation and head 1, by L-BFGS from least squares.

    Minimises sum_e R_e(phi) + penalty sum_e (dR_e(w phi) / dw at w = 1)^2 with population moments.

    Source: Arjovsky et al. 2019, arXiv 1907.02893.
    """
    square, cross, _ = split(train, target)

    def objective(phi):
        images = square @ phi
        quadratic, linear = images @ phi, cross @ phi
        slope = 2 * (quadratic - linear)
        value = np.sum(quadratic - 2 * linear) + penalty * np.sum(slope**2)
        derivative = 2 * np.sum(images - cross, axis=0) + penalty * 4 * slope @ (2 * images - cross)
        return value, derivative

    start = pooled_least_squares(train, target)
    return optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x


def stable_subsets(
    train, target: int, subsets: list[np.ndarray], closeness: float
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Subsets whose least-squares heads are within `closeness` of their mean in every environment, with that mean."""
    accepted = []
    for subset in subsets:
        square, cross = subset_moments(train, subset, target)
        heads = np.linalg.solve(square, cross[..., None])[..., 0]
        mean = heads.mean(axis=0)
        if np.abs(heads - mean).max() <= closeness:
            accepted.append((subset, mean))
    return accepted
