"""RAdam on many parameter vectors at once (Liu et al. 2020), as torch writes it."""

from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """State of the optimiser: running means of the gradient and of its square, `(runs, parameters)`."""

    first: np.ndarray
    second: np.ndarray


def init(parameters: np.ndarray) -> Moments:
    """Moments of zero."""
    return Moments(np.zeros_like(parameters), np.zeros_like(parameters))


def step(
    parameters: np.ndarray,
    gradient: np.ndarray,
    moments: Moments,
    count: int,
    rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> None:
    """One step, in place.

    Args:
        parameters, gradient: `(runs, parameters)`.
        moments: state, changed in place.
        count: number of this step, from 1.
        rate: learning rate.
        betas, eps: as in `torch.optim.RAdam`.
    """
    b1, b2 = betas
    kind = parameters.dtype.type
    first, second = moments
    first += kind(1 - b1) * (gradient - first)
    second *= kind(b2)
    second += kind(1 - b2) * gradient * gradient
    longest = 2 / (1 - b2) - 1
    length = longest - 2 * count * b2**count / (1 - b2**count)
    scale = rate / (1 - b1**count)
    if length > 5:
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        scale *= (rectified * (1 - b2**count)) ** 0.5
        parameters -= kind(scale) * first / (np.sqrt(second) + kind(eps))
    else:
        parameters -= kind(scale) * first
