"""How well a representation is the latent vector up to an affine map, and linear representations to compare with."""

import numpy as np


def affine_r2(latent: np.ndarray, representation: np.ndarray) -> float:
    """Coefficient of determination of the latent variables by affine functions of a representation, mean over them.

    1 for every invertible affine map. Not symmetric: the latent variables are regressed on the representation.

    Args:
        latent: Z (n, d), no constant column.
        representation: phi(X) (n, p), with fewer columns than rows.

    Raises:
        ValueError: different numbers of rows, too few rows, values that are not finite, or a constant latent variable.
    """
    z, phi = (np.asarray(x, dtype=float) for x in (latent, representation))
    if z.ndim != 2 or phi.ndim != 2 or len(z) != len(phi) or len(z) <= phi.shape[1] + 1:
        raise ValueError(
            f"latent, representation: got shapes {z.shape} and {phi.shape}, expected (n, d) and (n, p), n > p + 1"
        )
    if not (np.isfinite(z).all() and np.isfinite(phi).all()):
        raise ValueError("latent, representation: got a number that is not finite")
    z = z - z.mean(axis=0)
    total = (z**2).sum(axis=0)
    if (total <= 1e-24 * len(z)).any():
        raise ValueError("latent: got a constant column, expected variables that vary")
    centred = phi - phi.mean(axis=0)
    scale = centred.std(axis=0)
    centred = centred / np.where(scale > 0, scale, 1)
    fit = centred @ np.linalg.lstsq(centred, z, rcond=1e-10)[0]
    return float((1 - ((z - fit) ** 2).sum(axis=0) / total).mean())


def principal_axes(features: np.ndarray, latent: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (m,) and first principal axes (m, latent) of features (n, m): phi(x) = (x - mean) @ axes."""
    mean = features.mean(axis=0)
    _, _, axes = np.linalg.svd(features - mean, full_matrices=False)
    return mean, axes[:latent].T


def canonical_axes(features: np.ndarray, actions: np.ndarray, latent: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (m,) of features and their first canonical directions (m, latent) for the actions.

    The singular vectors of the whitened cross-covariance of features and actions, for as many directions as there are
    actions; where more are asked for, the principal axes of the whitened features that are left.

    Args:
        features: X (n, m).
        actions: A (n, k), of full rank.
        latent: number of directions.
    """
    mean = features.mean(axis=0)
    u, s, vt = np.linalg.svd(features - mean, full_matrices=False)
    kept = s > 1e-8 * s[0]
    u, s, vt = u[:, kept], s[kept], vt[kept]
    q, _ = np.linalg.qr(actions - actions.mean(axis=0))
    left, _, _ = np.linalg.svd(u.T @ q, full_matrices=True)
    return mean, (vt.T / s) @ left[:, :latent] * np.sqrt(len(features))
