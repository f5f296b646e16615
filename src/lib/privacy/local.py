"""Local privacy: each user randomises a record before anybody sees it.

A randomiser is (epsilon, delta)-private if for *any* two records v, v' P(E | v) <= delta + e^epsilon P(E | v') for all
events E of its output. The sensitivity of what a user sends is its largest change when the whole record is replaced.
"""

import math

import numpy as np
from scipy import optimize, special

from lib.privacy.mechanisms import check_positive


def gaussian_delta(epsilon: float, sigma: float, sensitivity: float) -> float:
    """Smallest delta at which Gaussian noise of deviation sigma is (epsilon, delta)-private, exactly.

    Phi(D / 2s - epsilon s / D) - e^epsilon Phi(-D / 2s - epsilon s / D) for sensitivity D and deviation s.

    Raises:
        ValueError: a parameter that is not finite and above 0.

    Source: Balle and Wang 2018, arXiv 1805.06530, theorem 8.
    """
    check_positive(epsilon=epsilon, sigma=sigma, sensitivity=sensitivity)
    half, shift = sensitivity / (2 * sigma), epsilon * sigma / sensitivity
    # e^epsilon Phi(-half - shift) in logarithms, since the first factor overflows where the second vanishes
    return float(special.ndtr(half - shift) - math.exp(epsilon + special.log_ndtr(-half - shift)))


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta!r}, expected a number between 0 and 1")


def classical_gaussian_sigma(epsilon: float, delta: float, sensitivity: float) -> float:
    """Deviation sensitivity sqrt(2 log(1.25 / delta)) / epsilon, which makes a statistic (epsilon, delta)-private.

    Raises:
        ValueError: a parameter out of range, or epsilon above 1, for which the theorem does not hold.

    Source: Dwork and Roth 2014, theorem A.1.
    """
    check_positive(epsilon=epsilon, sensitivity=sensitivity)
    _check_delta(delta)
    if epsilon > 1:
        raise ValueError(f"epsilon: got {epsilon}, expected at most 1; analytic_gaussian_sigma holds for any")
    return sensitivity * math.sqrt(2 * math.log(1.25 / delta)) / epsilon


def analytic_gaussian_sigma(epsilon: float, delta: float, sensitivity: float) -> float:
    """Smallest deviation of Gaussian noise that is (epsilon, delta)-private, for any epsilon: `gaussian_delta` solved.

    The root is sought in the logarithm of sigma, and the end of its bracket is returned at which delta is not exceeded.

    Raises:
        ValueError: a parameter out of range.
    """
    check_positive(epsilon=epsilon, sensitivity=sensitivity)
    _check_delta(delta)

    def excess(log_sigma: float) -> float:
        return gaussian_delta(epsilon, math.exp(log_sigma), 1.0) - delta

    low, high = -1.0, 1.0
    while excess(low) < 0:
        low -= 1
    while excess(high) > 0:
        high += 1
    root = optimize.brentq(excess, low, high, xtol=1e-13)
    while excess(root) > 0:
        root += 1e-13
    return sensitivity * math.exp(root)


def randomizer_radius(dim: int, radius: float, epsilon: float) -> float:
    """Length B of what `l2_randomizer` sends, for vectors of length `radius` at most.

    B = r (e^epsilon + 1) / (e^epsilon - 1) sqrt(pi) Gamma((d + 1) / 2) / Gamma(d / 2).

    Raises:
        ValueError: no dimension, or a parameter that is not finite and above 0.
    """
    check_positive(dim=dim, radius=radius, epsilon=epsilon)
    ratio = math.exp(special.gammaln((dim + 1) / 2) - special.gammaln(dim / 2))
    return radius / math.tanh(epsilon / 2) * math.sqrt(math.pi) * ratio


def check_lengths(vectors: np.ndarray, radius: float) -> np.ndarray:
    """Lengths (n,) of vectors (n, d).

    Raises:
        ValueError: a vector that is not finite or longer than `radius`: its release would not be private.
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    wrong = ~(lengths <= radius * (1 + 1e-12))
    if wrong.any():
        raise ValueError(
            f"vectors: got length {lengths[wrong].max():.6g} in {int(wrong.sum())} of {len(lengths)} rows, "
            f"expected at most {radius:.6g}"
        )
    return lengths


def l2_randomizer(vectors: np.ndarray, radius: float, epsilon: float, rng: np.random.Generator) -> np.ndarray:
    """Release vectors of bounded length by the half-sphere mechanism; each row is epsilon-private.

    The vector is rounded to +-r times its direction without bias, and a point of the sphere of radius B is sent that is
    uniform on the half facing it with probability e^epsilon / (1 + e^epsilon), else on the other half. Its expectation
    is the vector, that of its outer square is B^2 / d times the identity.

    Args:
        vectors: (n, d), one for each user.
        radius: bound r on their lengths, stated beforehand.
        epsilon: privacy of each row.
        rng: source of randomness.

    Returns:
        (n, d), rows of length B (`randomizer_radius`).

    Raises:
        ValueError: a vector that is not finite or longer than `radius`; other shapes.

    Source: Duchi, Jordan, Wainwright 2018, arXiv 1604.02390, section 4.2.3.
    """
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2:
        raise ValueError(f"vectors: got shape {vectors.shape}, expected (n, d)")
    n, dim = vectors.shape
    length = randomizer_radius(dim, radius, epsilon)
    lengths = check_lengths(vectors, radius)
    point = rng.standard_normal((n, dim))
    point *= (length / np.sqrt(np.einsum("nd,nd->n", point, point)))[:, None]
    # a vector of no length has no direction: any will do, since its sign is fair
    facing = np.where(lengths > 0, np.einsum("nd,nd->n", point, vectors), point[:, 0]) > 0
    ahead = rng.random(n) < 0.5 + lengths / (2 * radius)
    honest = rng.random(n) < special.expit(epsilon)
    point[facing != (ahead == honest)] *= -1
    return point


class UserLedger:
    """What each of many users has spent, when every user has the same budget.

    Users are numbers from 0; a release is entered for a range of them, so that 1e10 users cost nothing.

    Args:
        epsilon: budget of each user.
        delta: budget of each user.
    """

    def __init__(self, epsilon: float, delta: float = 0.0):
        check_positive(epsilon=epsilon)
        self.budget = (epsilon, delta)
        self._entries: list[tuple[int, int, float, float]] = []

    def spent(self, first: int, stop: int) -> tuple[float, float]:
        """Largest total epsilon and delta of any user of a range, by the sum over releases."""
        totals = [(0.0, 0.0)]
        for corner in {first, *(max(first, one[0]) for one in self._entries)}:
            parts = [(e, d) for a, b, e, d in self._entries if a <= corner < b and corner < stop]
            totals.append((math.fsum(e for e, _ in parts), math.fsum(d for _, d in parts)))
        return max(e for e, _ in totals), max(d for _, d in totals)

    def spend(self, first: int, stop: int, epsilon: float, delta: float = 0.0) -> None:
        """Enter a release by users first, ..., stop - 1.

        Raises:
            ValueError: no user in the range, a release without privacy, or users who would exceed their budget; then
                nothing is entered.
        """
        check_positive(epsilon=epsilon)
        if not (0 <= first < stop and delta >= 0):
            raise ValueError(
                f"users: got {first} to {stop} and delta {delta}, expected a range of users and delta >= 0"
            )
        self._entries.append((first, stop, epsilon, delta))
        total = self.spent(first, stop)
        if any(value > bound * (1 + 1e-12) for value, bound in zip(total, self.budget)):
            self._entries.pop()
            raise ValueError(
                f"users {first} to {stop - 1}: got {total[0]:g} and {total[1]:g} with what they spent before, "
                f"expected at most epsilon {self.budget[0]:g} and delta {self.budget[1]:g} each"
            )


def check_bounded(values: np.ndarray, bound: float, name: str) -> np.ndarray:
    """Return records as float64.

    Raises:
        ValueError: an entry that is not finite or beyond the bound: it must be clipped by `clip` first, so that nobody
            loses data without having asked for it.
    """
    check_positive(**{f"bound of {name}": bound})
    values = np.asarray(values, dtype=float)
    if not np.all(np.abs(values) <= bound):
        worst = np.max(np.abs(values)) if np.isfinite(values).all() else math.nan
        raise ValueError(f"{name}: got entries up to {worst:g}, expected finite ones of at most {bound:g}; see clip")
    return values


def clip(values: np.ndarray, bound: float) -> np.ndarray:
    """Records with every entry moved to the nearest of [-bound, bound]; a bound must not come from the private data."""
    check_positive(bound=bound)
    return np.clip(values, -bound, bound)
