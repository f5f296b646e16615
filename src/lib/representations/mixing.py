"""Injective maps from latent variables to features: orthonormal layers with leaky rectifiers between them."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

Mixing = Callable[[np.ndarray], np.ndarray]


def orthonormal(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """A random matrix (rows, columns) with orthonormal columns, or rows where it is wide, by Haar's measure."""
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))
    return q if rows >= columns else q.T


def leaky(x: np.ndarray, slope: float) -> np.ndarray:
    """X where it is positive, slope times x elsewhere."""
    return np.where(x > 0, x, slope * x)


def _layers(weights: list[np.ndarray], slope: float, last: bool) -> Mixing:
    if not slope > 0:
        raise ValueError(f"slope: got {slope}, expected a positive number: a rectifier that is flat is not injective")

    def mix(z: np.ndarray) -> np.ndarray:
        x = np.asarray(z, dtype=float)
        for i, weight in enumerate(weights):
            x = x @ weight.T
            if last or i < len(weights) - 1:
                x = leaky(x, slope)
        return x

    return mix


def wide_mixing(latent: int, hidden: int, features: int, slope: float, rng: np.random.Generator) -> Mixing:
    """Three layers latent -> hidden -> hidden -> features with leaky rectifiers between them.

    The last layer may narrow: injective for almost all draws, not by construction (`smallest_stretch` tells).

    Args:
        latent, hidden, features: widths, hidden and features at least latent.
        slope: of the rectifier on negative numbers, positive.
        rng: generator of the weights.

    Raises:
        ValueError: a slope that is not positive, or a layer narrower than the latent space.
    """
    for name, width in (("hidden", hidden), ("features", features)):
        if width < latent:
            raise ValueError(f"{name}: got {width}, expected at least the {latent} latent variables")
    sizes = [latent, hidden, hidden, features]
    return _layers([orthonormal(b, a, rng) for a, b in pairwise(sizes)], slope, last=False)


def folded_mixing(latent: int, folds: int, features: int, slope: float, rng: np.random.Generator) -> Mixing:
    """Rotations of the latent space, each followed by a leaky rectifier, then an isometry into the features.

    Injective by construction: no distance shrinks by more than slope ** folds. No linear map of the features undoes it.

    Args:
        latent, features: widths, features at least latent.
        folds: number of rotations.
        slope: of the rectifier on negative numbers, positive.
        rng: generator of the weights.

    Raises:
        ValueError: a slope that is not positive, or fewer features than latent variables.
    """
    if features < latent:
        raise ValueError(f"features: got {features}, expected at least the {latent} latent variables")
    inner = _layers([orthonormal(latent, latent, rng) for _ in range(folds)], slope, last=True)
    outer = orthonormal(features, latent, rng)
    return lambda z: inner(z) @ outer.T


def smallest_stretch(mix: Mixing, z: np.ndarray) -> float:
    """Smallest ratio of distances after and before a map, over all pairs of the points `(n, latent)`."""
    i, j = np.triu_indices(len(z), 1)
    before = np.linalg.norm(z[i] - z[j], axis=1)
    x = mix(z)
    return float((np.linalg.norm(x[i] - x[j], axis=1) / before).min())
