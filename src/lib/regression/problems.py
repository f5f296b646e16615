"""Approximation problems: a space, a function, its projection and the best error."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.regression.functions import named_function
from lib.regression.weighted import projection
from lib.sampling.basis import OrthonormalBasis, check_orthonormal
from lib.sampling.multivariate import cloud_basis, next_function, polynomial_basis


class Problem(NamedTuple):
    """A function of the basis's points, the coefficients (m,) of its projection, and the best error e_m > 0."""

    basis: OrthonormalBasis
    function: Callable[[np.ndarray], np.ndarray]
    coef: np.ndarray
    best: float


def space(
    family: str, dim: int, degree: int, index_set: str = "total_degree", atoms: int = 0, seed: int = 0
) -> OrthonormalBasis:
    """The space of a problem.

    Args:
        family: a univariate family, or `cloud` for polynomials on equally likely random points of [-1, 1]^dim.
        dim: number of variables.
        degree: highest degree.
        index_set: `total_degree`, `hyperbolic_cross` or `tensor`; a cloud has the total degree.
        atoms: number of points of a cloud.
        seed: seed of the cloud.

    Raises:
        ValueError: numbers out of range, or functions that are not orthonormal to 1e-8.
    """
    if family == "cloud":
        basis = cloud_basis(np.random.default_rng(seed).uniform(-1, 1, (atoms, dim)), degree)
    else:
        basis = polynomial_basis(family, dim, degree, index_set)
    check_orthonormal(basis)
    return basis


def problem(basis: OrthonormalBasis, function: str) -> Problem:
    """A function to approximate in a space.

    Args:
        basis: orthonormal basis.
        function: a name of `lib.regression.functions`, or `next` for the next basis function, whose projection is 0.

    Raises:
        ValueError: an unknown function.
    """
    if function == "next":
        return Problem(basis, next_function(basis), np.zeros(basis.size), 1.0)
    f = named_function(function)

    def on_points(x):
        return f(basis.coordinates(x))

    return Problem(basis, on_points, *projection(on_points, basis))
