"""A model with actions A, latent mediators Z, their image X, an outcome Y, and hidden causes common to Z and Y.

Z = M (A + c A o A) + V, X = g(Z), Y = l(Z) + U, with A independent of (U, V) and U dependent on V. Effects of all
interventions are known in closed form.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lib.representations.mixing import Mixing, folded_mixing, orthonormal, wide_mixing

CONFOUNDING = 2.0  # E[U | V] = 2 sum_j V_j
AMPLITUDE = 5.0  # of the sine in l(z) = sum_j z_j + 5 sin z_j
HALF_WIDTH = 0.5  # of the bounded residual, uniform on +-1/2 in each coordinate


class Sample(NamedTuple):
    """Rows of one data set: actions (n, k), latent Z and its residual V (n, d), features X (n, m), outcome Y (n,)."""

    actions: np.ndarray
    latent: np.ndarray
    residual: np.ndarray
    features: np.ndarray
    outcome: np.ndarray


@dataclass(frozen=True)
class InterventionModel:
    """The model of one draw.

    Args:
        matrix: M (d, k).
        mix: g.
        half_width: of the box of training actions, the support of A.
        curvature: c; 0 where actions act linearly, as the theory asks.
        residual: `normal` with unit variance, or `bounded`, uniform on +-1/2 in each coordinate.
        confounded: whether U depends on V; otherwise U is normal with variance 5.
        noise: deviation of normal noise on X, in units of the deviation of X over all entries.
    """

    matrix: np.ndarray
    mix: Mixing
    half_width: float = 1.0
    curvature: float = 0.0
    residual: str = "normal"
    confounded: bool = True
    noise: float = 0.0

    def mean_latent(self, actions: np.ndarray) -> np.ndarray:
        """E[Z | do(a)] for actions (..., k)."""
        return (actions + self.curvature * actions**2) @ self.matrix.T

    def draw_residual(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """V (n, d).

        Raises:
            ValueError: a law that is not known.
        """
        shape = (n, len(self.matrix))
        if self.residual == "normal":
            return rng.standard_normal(shape)
        if self.residual == "bounded":
            return rng.uniform(-HALF_WIDTH, HALF_WIDTH, shape)
        raise ValueError(f"residual: got {self.residual!r}, expected normal or bounded")

    def draw(self, n: int, rng: np.random.Generator) -> Sample:
        """N rows under training actions, uniform on the box."""
        actions = rng.uniform(-self.half_width, self.half_width, (n, self.matrix.shape[1]))
        v = self.draw_residual(n, rng)
        z = self.mean_latent(actions) + v
        x = self.mix(z)
        x = x + self.noise * x.std() * rng.standard_normal(x.shape)
        own = rng.standard_normal(n)
        u = CONFOUNDING * v.sum(axis=1) + own if self.confounded else np.sqrt(5) * own
        return Sample(actions, z, v, x, z.sum(axis=1) + AMPLITUDE * np.sin(z).sum(axis=1) + u)

    def effect(self, actions: np.ndarray) -> np.ndarray:
        """E[Y | do(a)] for actions (..., k): the sine is damped by the characteristic function of V at 1."""
        damping = np.exp(-0.5) if self.residual == "normal" else np.sin(HALF_WIDTH) / HALF_WIDTH
        z = self.mean_latent(actions)
        return (z + AMPLITUDE * damping * np.sin(z)).sum(axis=-1)

    def conditional_effect(self, latent: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """E[Y | X = g(z), do(a)] where v = z - E[Z | do(a)]: l(z) + E[U | V = v]."""
        own = CONFOUNDING * residual.sum(axis=-1) if self.confounded else 0.0
        return (latent + AMPLITUDE * np.sin(latent)).sum(axis=-1) + own


def draw_model(
    rng: np.random.Generator,
    *,
    latent: int = 2,
    actions: int = 2,
    features: int = 10,
    hidden: int = 16,
    folds: int = 3,
    slope: float = 0.2,
    strength: float = 2.0,
    mixing: str = "wide",
    **options,
) -> InterventionModel:
    """A model with M = strength times orthonormal columns (or rows), and a mixing of the kind `wide` or `folded`.

    Args:
        rng: generator of M and of the mixing.
        latent, actions, features, hidden, folds, slope: see `lib.representations.mixing`.
        strength: alpha.
        mixing: kind.
        options: fields of `InterventionModel`.

    Raises:
        ValueError: another kind of mixing.
    """
    matrix = strength * orthonormal(latent, actions, rng)
    if mixing == "wide":
        mix = wide_mixing(latent, hidden, features, slope, rng)
    elif mixing == "folded":
        mix = folded_mixing(latent, folds, features, slope, rng)
    else:
        raise ValueError(f"mixing: got {mixing!r}, expected wide or folded")
    return InterventionModel(matrix, mix, **options)


def box_queries(half_width: float, factor: float, actions: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Actions (n, actions) uniform on a box `factor` times as wide as the support, support included."""
    return rng.uniform(-factor * half_width, factor * half_width, (n, actions))


def is_inside(queries: np.ndarray, half_width: float) -> np.ndarray:
    """Whether actions (..., k) lie in the support of the training actions."""
    return (np.abs(queries) <= half_width).all(axis=-1)


def draw_together(models: Sequence[InterventionModel], n: int, rngs: Iterable[np.random.Generator]) -> Sample:
    """N rows of each of several models of one shape, with a leading axis of models."""
    return Sample(*map(np.stack, zip(*(model.draw(n, rng) for model, rng in zip(models, rngs)))))


CURVATURES = np.array([0.4, -0.2])  # Q = diag of the quadratic outcome, of two latent variables


def draw_quadratic(matrix: np.ndarray, half_width: float, n: int, rng: np.random.Generator) -> Sample:
    """Rows of Z = M A + V and Y = Z'QZ + 1'Z + V_1 - V_2 + noise, X = Z, V and noise standard normal, M (2, k)."""
    actions = rng.uniform(-half_width, half_width, (n, matrix.shape[1]))
    v = rng.standard_normal((n, 2))
    z = actions @ matrix.T + v
    y = (CURVATURES * z**2 + z).sum(axis=1) + v[:, 0] - v[:, 1] + rng.standard_normal(n)
    return Sample(actions, z, v, z, y)


def quadratic_effect(matrix: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """E[Y | do(a)] = z'Qz + 1'z + tr Q at z = M a of the quadratic outcome, for actions (..., k)."""
    z = actions @ matrix.T
    return (CURVATURES * z**2 + z).sum(axis=-1) + CURVATURES.sum()


def shear(latent: np.ndarray, bend: float = 0.3) -> np.ndarray:
    """The bijection (z_1 + bend z_2^2, z_2), which is not affine, of latent variables (..., 2)."""
    return np.stack([latent[..., 0] + bend * latent[..., 1] ** 2, latent[..., 1]], axis=-1)
