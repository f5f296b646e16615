"""Networks of infinite width that were trained on basis vectors: the two values of their mean, and ensemble sizes.

A network sees b / |b| for a binary vector b with m ones among k, and was trained on the k basis vectors to give a
permutation of each. In the limit of infinite width its outputs are independent Gaussians of one variance; their mean is
one value where the permuted vector has a one, another where it has a zero.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, log_ndtr, logsumexp

from lib.ntk.kernels import relu_nngp, tangent_kernel

_C = 1 / (2 * math.pi)  # both kernels of orthogonal inputs
SCOPES = ("single", "all")
THRESHOLDS = ("zero", "midpoint")


class BitLimits(NamedTuple):
    """Law of an output coordinate, each entry for one number of ones.

    Attributes:
        inside: mean where the target is 1.
        outside: mean where the target is 0.
        variance: of either.
    """

    inside: np.ndarray
    outside: np.ndarray
    variance: np.ndarray


def bit_limits(kernel: str, size: int, ones) -> BitLimits:
    """Means and variance of the outputs at binary inputs, in closed form.

    With c = 1 / (2 pi), the kernels of basis vectors are (delta I + c 1 1^T) / k, so that Sherman and Morrison's
    formula inverts them; the row of an input has the kernel at rho = 1 / sqrt(m) on its ones and c elsewhere.

    Args:
        kernel: "ntk" or "last_layer".
        size: number k of bits.
        ones: numbers m of ones, from 1 to k; any shape.

    Raises:
        ValueError: an unknown kernel, or a number of ones outside [1, k].
    """
    ones = np.asarray(ones, dtype=float)
    if np.any((ones < 1) | (ones > size)):
        raise ValueError(f"ones: got {ones.min():g} to {ones.max():g}, expected 1 to {size}")
    delta = float(tangent_kernel(kernel, 1.0)) - _C
    row = tangent_kernel(kernel, 1 / np.sqrt(ones))
    shared = _C * (ones * row + (size - ones) * _C) / (delta + _C * size)
    inside, outside = (row - shared) / delta, (_C - shared) / delta
    before = relu_nngp(1 / np.sqrt(ones))
    own = (0.5 - _C) * (ones * inside**2 + (size - ones) * outside**2)
    together = _C * (ones * inside + (size - ones) * outside) ** 2
    cross = ones * inside * before + (size - ones) * outside * _C
    return BitLimits(inside, outside, (0.5 + own + together - 2 * cross) / size)


def threshold_of(limits: BitLimits, threshold: str) -> np.ndarray:
    """Value above which an output is rounded to 1: 0, or halfway between both means, which knows the number of ones.

    Raises:
        ValueError: another name than "zero" or "midpoint".
    """
    if threshold not in THRESHOLDS:
        raise ValueError(f"threshold: got {threshold!r}, expected one of {', '.join(THRESHOLDS)}")
    return np.zeros_like(limits.inside) if threshold == "zero" else (limits.inside + limits.outside) / 2


def _scores(limits: BitLimits, threshold: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances of both means from the threshold, in standard deviations of one network."""
    cut, sd = threshold_of(limits, threshold), np.sqrt(limits.variance)
    return (limits.inside - cut) / sd, (cut - limits.outside) / sd


def log_failure_bound(kernel: str, size: int, models, scope: str, *, threshold: str = "zero") -> np.ndarray:
    """Logarithm of the union bound on the probability that an average of networks rounds some bit wrongly.

    Args:
        kernel, size: as for `bit_limits`.
        models: number of networks that are averaged; any shape.
        scope: "single", one input with two ones, the worst; "all", all inputs with two ones and more.
        threshold: "zero" or "midpoint".

    Raises:
        ValueError: an unknown name.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope: got {scope!r}, expected one of {', '.join(SCOPES)}")
    ones = np.arange(2, size + 1) if scope == "all" else np.array([2])
    above, below = _scores(bit_limits(kernel, size, ones), threshold)
    root = np.sqrt(np.asarray(models, dtype=float))[..., None]
    inputs = gammaln(size + 1) - gammaln(ones + 1) - gammaln(size - ones + 1) if scope == "all" else np.zeros(1)
    with np.errstate(divide="ignore"):  # no zeros in the target of all ones
        terms = [np.log(ones) + log_ndtr(-root * above), np.log(size - ones) + log_ndtr(-root * below)]
    return logsumexp(np.concatenate([inputs + term for term in terms], axis=-1), axis=-1)


def models_required(kernel: str, size: int, scope: str, failure: float, *, threshold: str = "zero") -> int:
    """Smallest number of networks for which `log_failure_bound` is at most that of `failure`.

    Raises:
        ValueError: a probability outside (0, 1), or more than 1e9 networks.
    """
    if not 0 < failure < 1:
        raise ValueError(f"failure: got {failure}, expected a probability in (0, 1)")
    return _smallest(
        lambda models: log_failure_bound(kernel, size, models, scope, threshold=threshold) <= math.log(failure)
    )


def _smallest(enough) -> int:
    """Smallest number of networks that is enough, by bisection."""
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
        if high > 10**9:
            raise ValueError("models: more than 1e9 networks are needed")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def success_probability(kernel: str, size: int, ones: int, models, *, threshold: str = "zero") -> np.ndarray:
    """Exact probability that an average of networks rounds every bit of one input rightly, in the shape of `models`."""
    above, below = _scores(bit_limits(kernel, size, ones), threshold)
    root = np.sqrt(np.asarray(models, dtype=float))
    return np.exp(ones * log_ndtr(root * above) + (size - ones) * log_ndtr(root * below))


def models_for_accuracy(kernel: str, size: int, ones: int, level: float, *, threshold: str = "zero") -> int:
    """Smallest number of networks whose average is right on an input with that probability."""
    return _smallest(lambda models: success_probability(kernel, size, ones, models, threshold=threshold) >= level)
