"""Two curves in the plane, lifted by a random non-linear map: classes that no linear subspaces separate."""

import numpy as np


def circles(n: int, rng: np.random.Generator, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) on concentric circles of radius 1 and 2 with noise, and the circle of each."""
    classes = np.arange(n) % 2
    angle = rng.uniform(0, 2 * np.pi, n)
    points = (1 + classes)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return points + noise * rng.standard_normal((n, 2)), classes


def spirals(n: int, rng: np.random.Generator, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) on two spirals of 1.5 turns, half a turn apart: r = 0.2 + 2 u, angle 3 pi u + pi k."""
    classes = np.arange(n) % 2
    u = np.sqrt(rng.uniform(size=n))
    angle = 3 * np.pi * u + np.pi * classes
    points = (0.2 + 2 * u)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return points + noise * rng.standard_normal((n, 2)), classes


SHAPES = {"circles": circles, "spirals": spirals}


def lift(points: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """W2 tanh(W1 x) in `width` dimensions: W1 of variance 1/2, W2 of variance 1 / width."""
    first = rng.standard_normal((width, points.shape[1])) * 0.5**0.5
    second = rng.standard_normal((width, width)) * width**-0.5
    return np.tanh(points @ first.T) @ second.T
