"""Bases of activations: the interaction basis and what it is compared with.

A basis maps centred activations to coordinates, f_hat = C (f - mean), and back by its pseudo-inverse. The interaction
basis makes the Gram matrix of the activations diagonal and that of the Jacobians the identity, as a balanced
realisation does in control theory; its coordinates do not change, up to signs, when the activations are mapped by any
invertible matrix.

Source: Bushnaq et al., arXiv 2405.10927, section 6; local form after Bushnaq et al., arXiv 2405.10928.
"""

from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-12  # of an eigenvalue, relative to the largest


class Basis(NamedTuple):
    """Directions of one layer, most important first.

    Args:
        matrix: C, (k, d): coordinates from centred activations.
        inverse: C+, (d, k): centred activations from coordinates.
        values: (k,) importance of each direction: Lambda for the interaction basis, variance for principal components.
    """

    matrix: np.ndarray
    inverse: np.ndarray
    values: np.ndarray


def gram(activations, centre: bool = True) -> np.ndarray:
    """Gram matrix (d, d) of activations (n, d): their mean product, about their mean unless `centre` is False."""
    activations = np.asarray(activations, dtype=float)
    if centre:
        activations = activations - activations.mean(axis=0)
    return activations.T @ activations / len(activations)


def _spectrum(matrix: np.ndarray, tolerance: float, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues in descending order, those up to the tolerance left out, and their vectors.

    Raises:
        ValueError: none is left.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    above = values > tolerance * max(values[-1], 0)
    if not above.any():
        raise ValueError(f"{what}: got a matrix without positive eigenvalues, expected a layer that is not dead")
    return values[above][::-1].copy(), np.ascontiguousarray(vectors[:, above][:, ::-1])


def interaction_basis(activation_gram, jacobian_gram, tolerance: float = TOLERANCE) -> Basis:
    """The interaction basis C = Lambda^1/2 V^T D^-1/2 U^T, where G = U D U^T and D^1/2 U^T K U D^1/2 = V Lambda V^T.

    Args:
        activation_gram: G, (d, d), of centred activations.
        jacobian_gram: K, (d, d): mean over the data of J^T J, J the Jacobian of the outputs (global basis), or of the
            next layer in its basis (local basis), with respect to the activations.
        tolerance: eigenvalues up to this times the largest are dropped, those of G and of Lambda.

    Raises:
        ValueError: shapes that differ, or a dead layer.
    """
    g, k = (np.asarray(matrix, dtype=float) for matrix in (activation_gram, jacobian_gram))
    if g.shape != k.shape or g.ndim != 2 or g.shape[0] != g.shape[1]:
        raise ValueError(
            f"activation_gram, jacobian_gram: got shapes {g.shape} and {k.shape}, expected (d, d) of one d"
        )
    d, u = _spectrum(g, tolerance, "activation_gram")
    colour = u * np.sqrt(d)
    values, v = _spectrum(colour.T @ k @ colour, tolerance, "jacobian_gram")
    whiten = (u / np.sqrt(d)).T
    return Basis(np.sqrt(values)[:, None] * (v.T @ whiten), (colour @ v) / np.sqrt(values), values)


def basis_of_factors(activation_factor, jacobian_factor, tolerance: float = TOLERANCE) -> Basis:
    """The interaction basis from factors of both Gram matrices, which halves the digits that ill conditioning costs.

    With G = R^T R, K = S^T S and S R^T = X Sigma Y^T it is C = X^T S and C+ = R^T Y / Sigma, Lambda = Sigma^2: the
    square-root method of balanced realisations.

    Args:
        activation_factor: (n, d), such as centred activations over sqrt(n).
        jacobian_factor: (m, d), such as stacked Jacobians over sqrt(n).
        tolerance: of Lambda, relative to the largest.

    Raises:
        ValueError: other shapes, or a dead layer.

    Source: Laub, Heath, Paige and Ward, IEEE Transactions on Automatic Control 32 (1987) 115.
    """
    factors = [np.asarray(factor, dtype=float) for factor in (activation_factor, jacobian_factor)]
    if any(factor.ndim != 2 for factor in factors) or factors[0].shape[1] != factors[1].shape[1]:
        shapes = " and ".join(str(factor.shape) for factor in factors)
        raise ValueError(f"activation_factor, jacobian_factor: got shapes {shapes}, expected (n, d) and (m, d)")
    r, s = (np.linalg.qr(factor, mode="r") for factor in factors)
    x, sigma, y = np.linalg.svd(s @ r.T, full_matrices=False)
    above = sigma**2 > tolerance * sigma[0] ** 2
    if not above.any():
        raise ValueError("jacobian_factor: got no direction that varies and matters, expected a layer that is not dead")
    return Basis(x[:, above].T @ s, r.T @ y[above].T / sigma[above], sigma[above] ** 2)


def neuron_basis(activation_gram) -> Basis:
    """The neurons themselves, in their order, with their variances."""
    eye = np.eye(len(activation_gram))
    return Basis(eye, eye, np.diag(activation_gram).copy())


def principal_basis(activation_gram, tolerance: float = TOLERANCE) -> Basis:
    """Principal components, C = U^T.

    Raises:
        ValueError: a dead layer.
    """
    values, vectors = _spectrum(np.asarray(activation_gram, dtype=float), tolerance, "activation_gram")
    return Basis(vectors.T, vectors, values)


def scaled_principal_basis(activation_gram, jacobian_gram, tolerance: float = TOLERANCE) -> Basis:
    """Principal components scaled so that the next layer depends on each with mean square derivative 1.

    Components that the next layer ignores are left out.

    Raises:
        ValueError: a dead layer.
    """
    values, vectors = _spectrum(np.asarray(activation_gram, dtype=float), tolerance, "activation_gram")
    size = np.einsum("dk,de,ek->k", vectors, jacobian_gram, vectors)
    above = size > tolerance * size.max()
    if not above.any():
        raise ValueError("jacobian_gram: got zero along every component, expected a layer that is not dead")
    root = np.sqrt(size[above])
    return Basis(root[:, None] * vectors[:, above].T, vectors[:, above] / root, values[above])


def gradient_basis(jacobian_gram, tolerance: float = TOLERANCE) -> Basis:
    """Eigenvectors of K alone, scaled by the roots of their eigenvalues.

    Raises:
        ValueError: a dead layer.
    """
    values, vectors = _spectrum(np.asarray(jacobian_gram, dtype=float), tolerance, "jacobian_gram")
    root = np.sqrt(values)
    return Basis(root[:, None] * vectors.T, vectors / root, values)


def basis_of(kind: str, activation_gram, jacobian_gram, tolerance: float = TOLERANCE) -> Basis:
    """A basis by its name: `neuron`, `pca`, `pca_scaled`, `gradient`, or `local` and `global`, which differ in K.

    Raises:
        ValueError: another name, or a dead layer.
    """
    if kind in ("local", "global"):
        return interaction_basis(activation_gram, jacobian_gram, tolerance)
    if kind == "neuron":
        return neuron_basis(activation_gram)
    if kind == "pca":
        return principal_basis(activation_gram, tolerance)
    if kind == "pca_scaled":
        return scaled_principal_basis(activation_gram, jacobian_gram, tolerance)
    if kind == "gradient":
        return gradient_basis(jacobian_gram, tolerance)
    raise ValueError(f"kind: got {kind!r}, expected neuron, pca, pca_scaled, gradient, local or global")
