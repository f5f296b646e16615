"""Composition: the privacy of many mechanisms run on the same data."""

import math

from lib.privacy.mechanisms import check_positive


def compose_basic(epsilon: float, count: int) -> float:
    """Epsilon of `count` epsilon-private mechanisms: the sum."""
    return epsilon * count


def compose_advanced(epsilon: float, count: int, delta: float) -> float:
    """Epsilon at `delta` of `count` epsilon-private mechanisms (Dwork, Rothblum, Vadhan 2010, theorem III.3).

    Raises:
        ValueError: delta is not between 0 and 1.
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta!r}, expected a number between 0 and 1")
    return epsilon * math.sqrt(2 * count * math.log(1 / delta)) + count * epsilon * math.expm1(epsilon)


def gaussian_rho(sigma: float, sensitivity: float, count: int = 1) -> float:
    """Parameter rho of zCDP of `count` Gaussian releases: count sensitivity^2 / (2 sigma^2) (Bun and Steinke 2016)."""
    check_positive(sigma=sigma, sensitivity=sensitivity)
    return count * sensitivity**2 / (2 * sigma**2)


def zcdp_epsilon(rho: float, delta: float) -> float:
    """Epsilon at `delta` of a rho-zCDP mechanism: rho + 2 sqrt(rho log(1/delta)) (Bun and Steinke 2016, prop. 1.3)."""
    if not 0 < delta < 1:
        raise ValueError(f"delta: got {delta!r}, expected a number between 0 and 1")
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def transfer_error(epsilon: float, samples: int, failure: float, *, sharp: bool = False) -> float:
    """Smallest tau at which a transfer theorem bounds P(|sample - population mean| > tau) of a chosen query.

    Pure privacy: epsilon <= tau / 2 and n >= 12 log(4 / failure) / tau^2 (Dwork et al. 2014, constants from memory).
    Sharp: epsilon <= tau and 3 exp(-tau^2 n) for either side (Dwork et al. 2015, arXiv 1506.02629, corollary 7). For m
    queries at once `failure` is divided by m.

    Args:
        epsilon: privacy of all that led to the query.
        samples: number n of samples.
        failure: probability of a larger difference.
        sharp: by the second theorem.
    """
    check_positive(epsilon=epsilon, samples=samples, failure=failure)
    if sharp:
        return max(epsilon, math.sqrt(math.log(6 / failure) / samples))
    return max(2 * epsilon, math.sqrt(12 * math.log(4 / failure) / samples))


class PrivacyLedger:
    """Privacy spent on one data set: pure-DP releases and zCDP releases, with the totals that follow from them."""

    def __init__(self):
        self.pure: list[float] = []
        self.rho = 0.0

    def spend(self, epsilon: float, count: int = 1) -> None:
        """Enter `count` releases that are epsilon-private each."""
        self.pure += [epsilon] * count

    def spend_rho(self, rho: float) -> None:
        """Enter a release that is rho-zCDP."""
        self.rho += rho

    def epsilon(self, delta: float) -> float:
        """The smallest total epsilon at `delta` that the composition theorems give.

        Pure releases are composed by the sum, by the advanced theorem (equal parameters) and as epsilon^2/2-zCDP;
        the best is taken. `delta` 0 stands for the sum, which is infinite once there is a zCDP release.
        """
        if delta == 0:
            return math.inf if self.rho else sum(self.pure)
        rho = self.rho + sum(epsilon**2 / 2 for epsilon in self.pure)
        candidates = [zcdp_epsilon(rho, delta)]
        if not self.rho:
            candidates.append(sum(self.pure))
            if len(set(self.pure)) == 1:
                candidates.append(compose_advanced(self.pure[0], len(self.pure), delta))
        return min(candidates)
