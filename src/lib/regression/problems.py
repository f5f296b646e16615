"""Approximation problems: a space, functions, their projections and best errors."""

from collections.abc import Callable, Sequence
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

    def excess(self, coef: np.ndarray) -> np.ndarray:
        """|c_hat - c|^2 / e_m^2 of fitted coefficients (designs, m): |f - f_hat|^2 / e_m^2 is 1 more. (designs,)."""
        return np.sum((coef - self.coef) ** 2, axis=1) / self.best**2


class Problems(NamedTuple):
    """Several functions on one basis: the functions, their projections' coefficients (m, k) and best errors (k,)."""

    basis: OrthonormalBasis
    functions: tuple[Callable[[np.ndarray], np.ndarray], ...]
    coef: np.ndarray
    best: np.ndarray

    def observe(self, x: np.ndarray) -> np.ndarray:
        """Values (..., k) of all functions at points (..., dim)."""
        return np.stack([function(x) for function in self.functions], axis=-1)

    def errors(self, coef: np.ndarray) -> np.ndarray:
        """|f - f_hat| in L^2, (designs, k), of fitted coefficients (designs, m, k)."""
        return np.sqrt(self.best**2 + np.sum((coef - self.coef) ** 2, axis=1))

    def relative_errors(self, coef: np.ndarray) -> np.ndarray:
        """|f - f_hat| / e_m, (designs, k), of fitted coefficients (designs, m, k)."""
        return np.sqrt(1 + np.sum((coef - self.coef) ** 2, axis=1) / self.best**2)


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


def problems(basis: OrthonormalBasis, functions: Sequence[str]) -> Problems:
    """Several functions to approximate in one space, by name as for `problem`.

    Raises:
        ValueError: an unknown function.
    """
    single = [problem(basis, name) for name in functions]
    return Problems(
        basis,
        tuple(p.function for p in single),
        np.stack([p.coef for p in single], axis=1),
        np.array([p.best for p in single]),
    )
