"""Volumes of low loss and effective numbers of parameters, in closed form, by quadrature and by Monte Carlo.

V(epsilon) is the volume of parameters in a box where the loss is below epsilon, and N_eff = 2 d ln V / d ln epsilon:
the number of parameters at a minimum that is not degenerate, fewer where directions are free.

Source: Bushnaq et al., arXiv 2405.10927, section 2; cross-shaped example after Carroll 2023.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

STEP = 1.01  # factor in epsilon of the derivative of a volume that is known exactly
COARSE = 2.0  # the same for a volume with noise: a factor of 4 between both ends
HALVINGS = 30  # a radius to nine digits


class BoxLoss(NamedTuple):
    """A loss on [-1, 1]^dim that grows along every ray from the origin.

    Args:
        dim: parameters.
        loss: of points (..., dim).
        section: volume of low loss in the other parameters where the first is w >= 0; takes w and epsilon.
        breaks: where sections have kinks, from epsilon.
        effective: N_eff(epsilon) in closed form.
    """

    dim: int
    loss: Callable
    section: Callable
    breaks: Callable
    effective: Callable


def _cross(p):
    return p[..., 0] ** 2 * p[..., 1] ** 2


def _coupled_section(a, eps):
    reach = min(1.0, np.sqrt(eps) / a) if a > 0 else 1.0
    return 2 * np.pi * (eps * reach - a**2 * reach**3 / 3)


LOSSES = {
    "quadratic": BoxLoss(
        2,
        lambda p: (p**2).sum(-1),
        lambda w, eps: 2 * np.sqrt(max(eps - w**2, 0.0)),
        lambda eps: [np.sqrt(eps)],
        lambda eps: 2.0 + 0.0 * eps,
    ),
    "quartic": BoxLoss(
        2,
        lambda p: (p**4).sum(-1),
        lambda w, eps: 2 * max(eps - w**4, 0.0) ** 0.25,
        lambda eps: [eps**0.25],
        lambda eps: 1.0 + 0.0 * eps,
    ),
    "cross": BoxLoss(
        2,
        _cross,
        lambda w, eps: 2 * min(1.0, np.sqrt(eps) / w) if w > 0 else 2.0,
        lambda eps: [np.sqrt(eps)],
        lambda eps: -np.log(eps) / 2 / (1 - np.log(eps) / 2),
    ),
    "separate": BoxLoss(
        4,
        lambda p: p[..., 2] ** 2 + p[..., 3] ** 2,
        lambda w, eps: 2 * np.pi * eps,
        lambda eps: [],
        lambda eps: 2.0 + 0.0 * eps,
    ),
    "coupled": BoxLoss(
        4,
        lambda p: _cross(p) + p[..., 2] ** 2 + p[..., 3] ** 2,
        _coupled_section,
        lambda eps: [np.sqrt(eps)],
        lambda eps: 3 - 1 / (4 / 3 - np.log(eps) / 2),
    ),
}


def quadrature_volume(loss: BoxLoss, eps: float) -> float:
    """Volume of loss below eps, integrated over sections."""
    from scipy.integrate import quad

    ends = [0.0, *(b for b in loss.breaks(eps) if b < 1), 1.0]
    return 2 * sum(quad(loss.section, a, b, args=(eps,), epsabs=0, limit=200)[0] for a, b in pairwise(ends))


def effective_number(volume: Callable[[float], float], eps: float, step: float = STEP) -> float:
    """N_eff = 2 d ln V / d ln eps by a central difference between eps / step and eps step."""
    return float(np.log(volume(eps * step) / volume(eps / step)) / np.log(step))


def ray_radii(loss: Callable, directions: np.ndarray, eps: float, reach: np.ndarray) -> np.ndarray:
    """Radii along rays from the origin at which a loss that grows along them reaches eps, by bisection.

    Args:
        loss: of points (n, dim).
        directions: unit vectors (n, dim).
        eps: level.
        reach: (n,) largest radius of each ray.
    """
    low, high = np.zeros(len(directions)), np.array(reach, dtype=float)
    inside = loss(high[:, None] * directions) < eps
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = loss(middle[:, None] * directions) < eps
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(inside, reach, low)


def monte_carlo_number(
    loss: Callable, dim: int, eps: float, count: int, rng: np.random.Generator, *, box: float = 1.0, block: int = 100000
) -> tuple[float, float]:
    """N_eff at eps from radii along random directions, V being proportional to the mean of radius^dim.

    For few parameters alone, ten at most: the variance grows with their number. The loss must grow along every ray from
    the origin, which is the minimum.

    Args:
        loss: of points (n, dim).
        dim: parameters.
        eps: level; the difference is taken between half and twice of it.
        count: directions.
        rng: source of directions.
        box: radii end where a coordinate reaches it.
        block: directions in memory at once.

    Returns:
        N_eff and its standard error by the delta method.

    Raises:
        ValueError: more than ten parameters.
    """
    if dim > 10:
        raise ValueError(f"dim: got {dim}, expected at most 10: the variance of radii grows with it")
    sums = np.zeros(5)
    for start in range(0, count, block):
        u = rng.standard_normal((min(block, count - start), dim))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        reach = box / np.abs(u).max(axis=1)
        a, b = (ray_radii(loss, u, eps * factor, reach) ** dim for factor in (1 / COARSE, COARSE))
        sums += [a.sum(), b.sum(), a @ a, b @ b, a @ b]
    a, b, aa, bb, ab = sums / count
    spread = (aa / a**2 + bb / b**2 - 2 * ab / (a * b)) / count  # variance of ln b - ln a
    return float(np.log(b / a) / np.log(COARSE)), float(np.sqrt(max(spread, 0)) / np.log(COARSE))
