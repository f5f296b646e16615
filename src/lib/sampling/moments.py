"""Moments of projection determinantal point processes: of draws, and exactly."""

import numpy as np
from scipy import stats

from lib.sampling.basis import OrthonormalBasis
from lib.sampling.dpp import counting_moments
from lib.sampling.multivariate import DiscreteBasis, TensorBasis

MOMENTS = ("second moment", "fourth moment", "mean count", "pairs", "variance of the count")


def christoffel_uniform(basis: OrthonormalBasis, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform numbers (k,) from points (k, dim) of the Christoffel density, by the law of their first coordinate.

    Args:
        basis: orthonormal basis.
        x: points.
        rng: spreads the atoms of a finite set, whose law has jumps, over their steps.
    """
    if not isinstance(basis, DiscreteBasis):
        return basis.component_cdfs(x).mean(-1)
    mass = basis.weight * np.sum(basis.table**2, axis=1) / basis.size
    order = np.argsort(basis.points[:, 0])
    upper = np.empty(len(mass))
    upper[order] = np.cumsum(mass[order])
    atom = x[:, 0].astype(int)
    return upper[atom] - rng.random(len(x)) * mass[atom]


def exact_moments(basis: OrthonormalBasis, cut: float) -> np.ndarray:
    """Exact values of `MOMENTS` (5,): of the first coordinate of the points, and of their number N below the cut.

    The first two are moments of k_m / m dmu, by quadrature; the others are E N, E N (N - 1) and Var N.

    Args:
        basis: orthonormal basis of m functions.
        cut: as for the basis's `half_space_gram`.
    """
    # the first coordinate alone, so that tensor bases need the nodes of one variable
    first = basis.factors[0] if isinstance(basis, TensorBasis) else basis
    nodes, weight = first.quadrature()
    squares = first.evaluate(nodes) ** 2
    squares = squares[:, basis.indices[:, 0]] if isinstance(basis, TensorBasis) else squares
    density = weight * np.mean(squares, axis=1)
    at = first.coordinates(nodes)[:, 0]
    count = counting_moments(basis.half_space_gram(cut))
    return np.array([density @ at**2, density @ at**4, count["mean"], count["pairs"], count["variance"]])


def draw_moments(basis: OrthonormalBasis, x: np.ndarray, cut: float) -> np.ndarray:
    """Values (5, draws) whose means over draws are `exact_moments`.

    Args:
        basis: orthonormal basis of m functions.
        x: draws of its projection DPP, (draws, m, dim).
        cut: the number of points below it is counted.
    """
    first = basis.coordinates(x)[..., 0]
    count = np.sum(first < cut, axis=1)
    mean = counting_moments(basis.half_space_gram(cut))["mean"]
    return np.stack(
        [np.mean(first**2, axis=1), np.mean(first**4, axis=1), count, count * (count - 1), (count - mean) ** 2]
    )


def point_p_value(basis: OrthonormalBasis, x: np.ndarray, rng: np.random.Generator) -> float:
    """Kolmogorov-Smirnov p-value of one random point of each draw (draws, m, dim) against the Christoffel density."""
    draws, m = x.shape[:2]
    single = x[np.arange(draws), rng.integers(m, size=draws)]
    return stats.kstest(christoffel_uniform(basis, single, rng), "uniform").pvalue
