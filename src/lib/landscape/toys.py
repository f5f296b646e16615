"""Two losses of two variables whose barriers have a closed form: matrix factorisation, and a pitchfork on a slope."""

from typing import NamedTuple

import numpy as np


def factorisation_loss(a, b) -> np.ndarray:
    """L(a, b) = (1 - a b)^2 / 2: two valleys a b = 1, a saddle at 0, the ridge a = -b."""
    return (1 - np.asarray(a) * b) ** 2 / 2


def descend_factorisation(a, b, step: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends of gradient descent on `factorisation_loss` from each start."""
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    for _ in range(steps):
        rest = 1 - a * b
        a, b = a + step * rest * b, b + step * rest * a
    return a, b


def factorisation_barrier(first, second) -> np.ndarray:
    """Barrier on the line between two solutions (c, 1/c) and (d, 1/d), in closed form: (c/d + d/c - 2)^2 / 32.

    On the line a b = 1 + t (1 - t) (c/d + d/c - 2), so that the loss is largest at t = 1/2; for c = -d = 1 it is 1/2.

    Args:
        first, second: c and d.
    """
    ratio = np.asarray(first, dtype=float) / np.asarray(second, dtype=float)
    return (ratio + 1 / ratio - 2) ** 2 / 32


class Pitchfork(NamedTuple):
    """L(x; y) = x^4 / 4 - (y - critical) x^2 / 2, with y driven linearly from `start` to `end`.

    Beyond `critical` there are two valleys x = +-sqrt(y - critical), with a wall of (y - critical)^2 / 4 between them.
    """

    start: float = -1.0
    end: float = 2.0
    critical: float = 0.0
    steps: int = 3000
    rate: float = 0.02
    noise: float = 0.005
    spread: float = 0.01
    settle: int = 3000


def pitchfork_loss(x, y, critical: float = 0.0) -> np.ndarray:
    """L(x; y)."""
    x = np.asarray(x)
    return x**4 / 4 - (y - critical) * x**2 / 2


def wall_height(y, critical: float = 0.0) -> np.ndarray:
    """Height of the wall between the valleys at y: (y - critical)^2 / 4, and 0 before `critical`."""
    return np.maximum(np.asarray(y, dtype=float) - critical, 0.0) ** 2 / 4


class Parting(NamedTuple):
    """Pairs of runs of a pitchfork: `ends` (heights, pairs, 2), and `paths` (heights, kept, 2, steps + 1) of some."""

    ends: np.ndarray
    paths: np.ndarray


def part_runs(toy: Pitchfork, heights, pairs: int, rng: np.random.Generator, kept: int = 0) -> Parting:
    """Pairs that share their noise while y is below a height and have their own beyond, then settle without noise.

    Args:
        toy: constants.
        heights: values of y at which pairs part.
        pairs: number of pairs at each height.
        rng: of starts and noise.
        kept: pairs whose paths are returned.
    """
    heights = np.asarray(heights, dtype=float)
    x = np.repeat(toy.spread * rng.standard_normal((len(heights), pairs, 1)), 2, axis=2)
    paths = [x[:, :kept].copy()]
    for y in np.linspace(toy.start, toy.end, toy.steps):
        noise = rng.standard_normal(x.shape)
        together = y < heights
        noise[together, :, 1] = noise[together, :, 0]
        x = x - toy.rate * (x**3 - (y - toy.critical) * x) + toy.noise * noise
        paths.append(x[:, :kept].copy())
    for _ in range(toy.settle):
        x = x - toy.rate * (x**3 - (toy.end - toy.critical) * x)
    return Parting(x, np.stack(paths, axis=-1))
