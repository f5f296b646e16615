"""The basic private mechanisms, each with its noise calibrated by a stated theorem.

Neighbouring data sets differ in one sample. The sensitivity of a statistic is its largest change between neighbours; a
statistical query on n samples has sensitivity 1/n.
"""

import math

import numpy as np


def check_positive(**values: float) -> None:
    """Refuse numbers that are not finite and above zero.

    Raises:
        ValueError: the first such argument, by name.
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: got {value!r}, expected a finite number above 0")


def laplace_scale(epsilon: float, sensitivity: float) -> float:
    """Scale b of Laplace noise that makes a statistic epsilon-private: sensitivity / epsilon (Dwork et al. 2006)."""
    check_positive(epsilon=epsilon, sensitivity=sensitivity)
    return sensitivity / epsilon


def gaussian_sigma(rho: float, sensitivity: float) -> float:
    """Deviation that makes a statistic rho-zCDP: sensitivity / sqrt(2 rho) (Bun and Steinke 2016, prop. 1.6)."""
    check_positive(rho=rho, sensitivity=sensitivity)
    return sensitivity / math.sqrt(2 * rho)


def laplace_mechanism(values: np.ndarray, epsilon: float, sensitivity: float, rng: np.random.Generator) -> np.ndarray:
    """Values with Laplace noise; the release is epsilon-private.

    Args:
        values: statistic of any shape; `sensitivity` bounds its change in the 1-norm.
        epsilon: privacy parameter.
        sensitivity: 1-norm sensitivity.
        rng: source of the noise.

    Raises:
        ValueError: epsilon or sensitivity is not a finite number above 0.
    """
    return values + rng.laplace(scale=laplace_scale(epsilon, sensitivity), size=np.shape(values))


def gaussian_mechanism(values: np.ndarray, rho: float, sensitivity: float, rng: np.random.Generator) -> np.ndarray:
    """Values with Gaussian noise; the release is rho-zCDP, and `sensitivity` is that in the 2-norm."""
    return values + rng.normal(scale=gaussian_sigma(rho, sensitivity), size=np.shape(values))


def exponential_mechanism(
    scores: np.ndarray, epsilon: float, sensitivity: float, rng: np.random.Generator
) -> np.ndarray | int:
    """Choose an index with probability proportional to exp(epsilon score / (2 sensitivity)) (McSherry, Talwar 2007).

    Args:
        scores: (..., K) utilities; one choice is made along the last axis.
        epsilon: privacy parameter.
        sensitivity: largest change of one score between neighbours.
        rng: source of randomness.

    Returns:
        Chosen indices, of the shape of `scores` without its last axis.

    Raises:
        ValueError: epsilon or sensitivity is not a finite number above 0.
    """
    check_positive(epsilon=epsilon, sensitivity=sensitivity)
    scores = np.asarray(scores, float)
    # the maximum of scores with Gumbel noise has exactly this law, and no exponential can overflow
    return np.argmax(scores * (epsilon / (2 * sensitivity)) + rng.gumbel(size=scores.shape), axis=-1)


class SparseVector:
    """Report which of a stream of values exceed a threshold, at a cost only for those that do.

    AboveThreshold with `hits` restarts (Dwork and Roth 2014, algorithms 1 and 2): each value is compared, with noise
    Lap(2b), to the threshold with noise Lap(b), which is drawn again after every hit; b = 2 hits sensitivity / epsilon
    makes the whole stream of answers epsilon-private.

    Args:
        threshold: bound with which the values are compared.
        epsilon: privacy of the whole stream.
        hits: how many values may exceed the threshold before the stream ends.
        sensitivity: largest change of a value between neighbours.
        rng: source of the noise.

    Raises:
        ValueError: a parameter that is not finite and above 0.
    """

    def __init__(self, threshold: float, epsilon: float, hits: int, sensitivity: float, rng: np.random.Generator):
        check_positive(epsilon=epsilon, hits=hits, sensitivity=sensitivity)
        self.threshold = threshold
        self.scale = 2 * hits * sensitivity / epsilon
        self.hits_left = hits
        self._rng = rng
        self._noisy = threshold + rng.laplace(scale=self.scale)

    @property
    def exhausted(self) -> bool:
        """Whether no further value may be compared."""
        return self.hits_left == 0

    def first_above(self, values: np.ndarray) -> int | None:
        """Index of the first value that exceeds the threshold, or None; the values after it are not examined.

        Args:
            values: (c,) the next values of the stream.

        Raises:
            BudgetExhausted: the stream has ended.
        """
        if self.exhausted:
            raise BudgetExhausted("the sparse vector technique has no hits left")
        noisy = values + self._rng.laplace(scale=2 * self.scale, size=len(values))
        above = np.flatnonzero(noisy > self._noisy)
        if not len(above):
            return None
        self.hits_left -= 1
        self._noisy = self.threshold + self._rng.laplace(scale=self.scale)
        return int(above[0])


class BudgetExhausted(RuntimeError):
    """A mechanism was queried after its privacy budget, samples or updates had run out."""
