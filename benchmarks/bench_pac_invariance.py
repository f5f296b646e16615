"""CPU time of extreme invariant heads and of covariances under interventions, over that of a peer."""

import numpy as np
from scipy import optimize

from lib.bench.ratios import cpu_ratio
from lib.invariance.families import random_family
from lib.invariance.gradients import subset_moments
from lib.invariance.heads import feasible_heads


def heads_by_highs(square, cross, tolerance, objectives):
    """The same programmes by SciPy's HiGHS, the constraints written once."""
    k = cross.shape[1]
    rows, right = square.reshape(-1, k), cross.ravel()
    matrix, bound = np.vstack([rows, -rows]), np.r_[right + tolerance, tolerance - right]
    return [optimize.linprog(c, A_ub=matrix, b_ub=bound, bounds=(-50, 50), method="highs") for c in objectives]


def covariances_anew(sem, sites, coefficients, variances):
    """One batched inverse for all environments."""
    b = np.broadcast_to(sem.coefficients, (len(coefficients), len(sem), len(sem))).copy()
    noise = np.broadcast_to(sem.variances, b.shape[:2]).copy()
    b[:, sites], noise[:, sites] = coefficients, variances
    effects = np.linalg.inv(np.eye(len(sem)) - b)
    return (effects * noise[:, None]) @ np.swapaxes(effects, 1, 2)


def compare_heads(environments, rng):
    """Print the ratio for one number of environments."""
    family = random_family("random", 12, 2, rng)
    moments = subset_moments(family.draw(environments, rng), family.covariates()[:3], family.target)
    objectives = rng.standard_normal((3, 3))
    ours, peer = feasible_heads(*moments, 1.0, objectives)[0], heads_by_highs(*moments, 1.0, objectives)
    for head, objective, result in zip(ours, objectives, peer):
        assert np.isnan(head).any() == (result.status == 2)
        assert result.status == 2 or abs(objective @ head - result.fun) < 1e-6 * max(1, abs(result.fun))
    ratio = cpu_ratio(
        lambda: feasible_heads(*moments, 1.0, objectives), lambda: heads_by_highs(*moments, 1.0, objectives)
    )
    print(f"heads, m = {environments}: {ratio:.4f} of HiGHS")


def compare_covariances(dim, rng):
    """Print the ratio for one dimension."""
    family = random_family("random", dim, 2, rng)
    sem, sites = family.sem, family.sites
    coefficients = rng.uniform(-2, 2, (2000, 2, len(sem))) * (sem.coefficients[sites] != 0)
    variances = rng.uniform(0.5, 2, (2000, 2))
    arguments = (sites, coefficients, variances)
    assert np.allclose(sem.intervened(*arguments), covariances_anew(sem, *arguments))
    ratio = cpu_ratio(lambda: sem.intervened(*arguments), lambda: covariances_anew(sem, *arguments))
    print(f"covariances, d = {dim}: {ratio:.2f} of one batched inverse")


def main() -> None:
    """Print the ratios, ours over the peer."""
    rng = np.random.default_rng(0)
    for environments in (8, 128):
        compare_heads(environments, rng)
    for dim in (12, 40):
        compare_covariances(dim, rng)


if __name__ == "__main__":
    main()
