"""Sampling measures nu on the space of a basis: how to draw from them, and the weight w = dmu/dnu."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lib.sampling.basis import OrthonormalBasis, squared_norm


class Measure(NamedTuple):
    """A probability nu with a positive density with respect to the reference measure mu.

    `draw(n, rng)` gives points (n, dim); `weight(x, phi)` gives w = dmu/dnu (...,) at points (..., dim) where the basis
    has the values phi (..., m).
    """

    draw: Callable[[int, np.random.Generator], np.ndarray]
    weight: Callable[[np.ndarray, np.ndarray], np.ndarray]


def reference_measure(basis: OrthonormalBasis) -> Measure:
    """Mu itself: w = 1."""
    return Measure(lambda n, rng: basis.sample_reference((n,), rng), lambda x, phi: np.ones(phi.shape[:-1]))


def christoffel_measure(basis: OrthonormalBasis) -> Measure:
    """The optimal density k_m / m of Cohen and Migliorati (2017): w = m / k_m."""
    return Measure(
        lambda n, rng: basis.draw_christoffel(n, rng)[0],
        lambda x, phi: basis.size / squared_norm(phi),
    )


def _half_and_half(first, second, n: int, rng: np.random.Generator) -> np.ndarray:
    """Points (n, dim), each from one of two samplers with probability one half."""
    coin = rng.random(n) < 0.5
    a, b = first(int(coin.sum()), rng), second(int(n - coin.sum()), rng)
    x = np.empty((n, a.shape[-1]))
    x[coin], x[~coin] = a, b
    return x


def damped_measure(basis: OrthonormalBasis) -> Measure:
    """Half mu, half the Christoffel density: w = 2 / (1 + k_m / m), at most 2."""
    reference, optimal = reference_measure(basis), christoffel_measure(basis)
    return Measure(
        lambda n, rng: _half_and_half(reference.draw, optimal.draw, n, rng),
        lambda x, phi: 2 / (1 + squared_norm(phi) / basis.size),
    )


def kernel_measure(basis: OrthonormalBasis, features: OrthonormalBasis, eigenvalues: np.ndarray) -> Measure:
    """Half the Christoffel density, half kappa(x, x) / tau dmu, for the kernel kappa = sum_j a_j psi_j(x) psi_j(y).

    Then w kappa(x, x) <= 2 tau, with the trace tau = sum_j a_j, whether or not the kernel is bounded.

    Args:
        basis: the approximation space.
        features: orthonormal eigenfunctions psi of the kernel, for the same mu.
        eigenvalues: a_j >= 0, one for each eigenfunction.

    Raises:
        ValueError: eigenvalues that do not fit.
    """
    eigenvalues = np.asarray(eigenvalues, dtype=float)
    if eigenvalues.shape != (features.size,) or np.any(eigenvalues < 0) or not eigenvalues.sum() > 0:
        raise ValueError(
            f"eigenvalues: got shape {eigenvalues.shape}, expected {features.size} numbers >= 0, not all 0"
        )
    trace = eigenvalues.sum()
    optimal = christoffel_measure(basis)

    def draw_kernel(n, rng):
        return features.sample_component(rng.choice(features.size, size=n, p=eigenvalues / trace), rng)

    def weight(x, phi):
        diagonal = features.evaluate(x) ** 2 @ eigenvalues
        return 2 / (squared_norm(phi) / basis.size + diagonal / trace)

    return Measure(lambda n, rng: _half_and_half(optimal.draw, draw_kernel, n, rng), weight)
