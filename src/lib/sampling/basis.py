"""What an orthonormal basis offers to samplers, and the checks of its arguments.

A basis has `size` functions of `dim` variables, orthonormal in L^2 of its reference probability. Points carry their
coordinates on the last axis: (..., dim). Every basis offers

    evaluate(x)                   values of the functions, (..., dim) -> (..., size)
    sample_reference(shape, rng)  points of the reference measure mu, (*shape, dim)
    sample_component(j, rng)      points of the densities phi_j^2 dmu, one for each index, (*j.shape, dim)
    draw_christoffel(n, rng)      n points of k_m / m dmu, and the values of the functions there
    quadrature(nodes)             nodes (q, dim) and weights (q,) that integrate products of its functions
    half_space_gram(cut)          integral of phi phi^T over the points whose first coordinate is below the cut
    coordinates(x)                coordinates of points, which are the points themselves except on finite sets
"""

from typing import Protocol

import numpy as np


class OrthonormalBasis(Protocol):
    """The methods that samplers call."""

    size: int
    dim: int

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Values of the functions, (..., size)."""

    def sample_reference(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Points of the reference measure, (*shape, dim)."""

    def sample_component(self, j: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Points of phi_j^2 dmu, (*j.shape, dim)."""

    def draw_christoffel(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Points of the Christoffel density (n, dim), and the values of the functions there (n, size)."""

    def quadrature(self, nodes: int = 200) -> tuple[np.ndarray, np.ndarray]:
        """Nodes (q, dim) and weights (q,) for the reference measure."""

    def half_space_gram(self, cut: float) -> np.ndarray:
        """Integral of phi phi^T dmu over {x_1 < cut}, (size, size)."""

    def coordinates(self, x: np.ndarray) -> np.ndarray:
        """Coordinates of points (..., dim)."""


def christoffel(basis: OrthonormalBasis, x: np.ndarray) -> np.ndarray:
    """Inverse Christoffel function k_m(x) = |phi(x)|^2, of shape (...,) for points (..., dim)."""
    return squared_norm(basis.evaluate(x))


def squared_norm(phi: np.ndarray) -> np.ndarray:
    """k_m = |phi|^2 (...,) from values (..., m).

    Raises:
        OverflowError: it exceeds double precision, so that weights would be zero; Hermite functions of degree 340 do.
    """
    with np.errstate(over="ignore"):
        total = np.sum(phi**2, axis=-1)
    if not np.all(np.isfinite(total)):
        raise OverflowError("phi: squares of the functions' values exceed double precision; take fewer functions")
    return total


def orthonormality_error(basis: OrthonormalBasis, nodes: int = 200) -> float:
    """Largest entry of the integral of phi phi^T minus the identity, by the basis's own quadrature.

    Products of orthonormal factors are orthonormal: a tensor basis is checked factor by factor.
    """
    if hasattr(basis, "factors"):
        return max(orthonormality_error(factor, nodes) for factor in basis.factors)
    x, weight = basis.quadrature(nodes)
    phi = basis.evaluate(x)
    return float(np.max(np.abs(phi.T @ (weight[:, None] * phi) - np.eye(basis.size))))


def check_orthonormal(basis: OrthonormalBasis, tolerance: float = 1e-8) -> None:
    """Refuse a basis that is not orthonormal: samplers and weights would be wrong without any other sign of it.

    Raises:
        ValueError: the Gram matrix differs from the identity by more than the tolerance.
    """
    error = orthonormality_error(basis)
    if not error <= tolerance:
        raise ValueError(
            f"basis: got functions whose Gram matrix differs from the identity by {error:.3g}, "
            f"expected an orthonormal basis (at most {tolerance:g})"
        )


def check_points(x, dim: int) -> np.ndarray:
    """Points as a float array with `dim` coordinates on the last axis.

    Raises:
        ValueError: another number of coordinates.
    """
    x = np.asarray(x, dtype=float)
    if x.ndim == 0 or x.shape[-1] != dim:
        raise ValueError(f"x: got shape {x.shape}, expected points with {dim} coordinate(s) on the last axis")
    return x


def check_components(j, size: int) -> np.ndarray:
    """Indices of functions as an integer array.

    Raises:
        ValueError: an index outside 0..size-1.
    """
    j = np.asarray(j)
    if j.dtype.kind not in "iu" or (j.size and (j.min() < 0 or j.max() >= size)):
        raise ValueError(f"j: got {j.dtype} values, expected integers from 0 to {size - 1}")
    return j
