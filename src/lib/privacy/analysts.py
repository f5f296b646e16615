"""Adaptive analysts: an analyst who sees answers can choose a query on which the sample misleads.

`SignAttack` and `ReconstructionAttack` use answers only, never the sample's own means. Both grow one transcript and
can stop at any number of queries, so that one run serves a whole grid of m: the first m - 1 queries, then the last
one, put to a copy of the mechanism. `attack.ask(m - 1 - attack.queries)` goes on to the next m of the grid.
"""

import copy
import math

import numpy as np
from scipy.special import ndtr, ndtri

from lib.privacy.mechanisms import BudgetExhausted


def sign_attack_bias(m: float | np.ndarray, n: float, sigma: float = 0.0) -> np.ndarray:
    """Expected last-query error of the sign attack: Phi(sqrt(2m / (pi n)) / sqrt(1 + 4 n sigma^2)) - 1/2.

    Args:
        m: number of queries.
        n: number of samples.
        sigma: standard deviation of the noise on an answer.

    Source: normal approximation of the votes (our derivation).
    """
    return ndtr(np.sqrt(2 * np.asarray(m) / (math.pi * n)) / np.sqrt(1 + 4 * n * sigma**2)) - 0.5


def sign_attack_limit(n: float, error: float, sigma: float = 0.0) -> float:
    """Number of queries at which `sign_attack_bias` reaches an error: (pi/2) Phi^-1(1/2 + error)^2 n (1 + 4 n s^2)."""
    return 0.5 * math.pi * ndtri(0.5 + error) ** 2 * n * (1 + 4 * n * sigma**2)


def fixed_query_bound(n: float, m: float, level: float) -> float:
    """Error that m queries, fixed before the data, exceed with probability at most `level`: sqrt(log(2m/level) / 2n).

    Hoeffding's inequality for each query, and the union bound over them.

    Args:
        n: number of samples.
        m: number of queries with values in [0, 1].
        level: probability that any of them misses by more.
    """
    return np.sqrt(np.log(2 * m / level) / (2 * n))


def random_bits(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Independent fair bits, (rows, columns) uint8."""
    packed = np.frombuffer(rng.bytes(rows * ((columns + 7) // 8)), np.uint8).reshape(rows, -1)
    return np.unpackbits(packed, axis=1, count=columns)


class SignAttack:
    """Sum the signs of weak correlations (Dwork et al. 2015, introduction; exact form ours).

    The data are m - 1 independent fair signs z_j = x_j y for each of n samples. Query j is (1 + z_j) / 2 with truth
    1/2; the side of 1/2 on which its answer lies is the sign s_j. The last query asks how often sgn(sum_j s_j z_j) is
    right, ties counting one half; its truth is 1/2 too. A column of the data is drawn when a query needs it and is not
    stored.

    Args:
        samples: n.
        oracles: mechanisms by name, all on the same n samples (support = the samples, in order).
        rng: source of the data.
        control: sign the votes by an independent sample instead of the answers: the analyst is not adaptive.
        chunk: queries in one batch.

    Attributes:
        queries: number of queries so far.
        worst: largest error of each mechanism on them.
        oracles: mechanisms that still answer.
    """

    truth = 0.5

    def __init__(
        self, samples: int, oracles: dict, rng: np.random.Generator, *, control: bool = False, chunk: int = 512
    ):
        self.oracles = dict(oracles)
        self.queries = 0
        self.worst = dict.fromkeys(self.oracles, 0.0)
        self._votes = {name: np.zeros(samples, np.float32) for name in self.oracles}
        self._samples, self._rng, self._control, self._chunk = samples, rng, control, chunk

    def ask(self, count: int) -> None:
        """Put `count` more queries to every mechanism; one that is exhausted leaves the attack."""
        while count > 0:
            size = min(count, self._chunk)
            bits = random_bits(size, self._samples, self._rng).astype(np.float32)
            for name, oracle in list(self.oracles.items()):
                try:
                    answers = oracle.answer(bits)
                except BudgetExhausted:
                    self.drop(name)
                    continue
                self.worst[name] = max(self.worst[name], float(np.abs(answers - self.truth).max()))
                means = self._rng.binomial(self._samples, 0.5, size) / self._samples if self._control else answers
                signs = np.where(means >= 0.5, 1, -1).astype(np.float32)
                self._votes[name] += 2 * (signs @ bits) - signs.sum()
            self.queries += size
            count -= size

    def drop(self, name: str) -> None:
        """Take a mechanism out of the attack."""
        self.oracles.pop(name, None)

    def last_query(self, name: str) -> np.ndarray:
        """Values (n,) on the samples of the last query, which the answers of one mechanism determine."""
        return 0.5 * (1 + np.sign(self._votes[name]))

    def last(self, name: str) -> tuple[float, object]:
        """Answer of a copy of one mechanism to the last query (nan when exhausted), and that copy."""
        return _ask_copy(self.oracles[name], self.last_query(name))

    def last_answers(self) -> dict[str, float]:
        """Answers to the last query of every mechanism still in the attack."""
        return {name: self.last(name)[0] for name in self.oracles}

    def last_errors(self) -> dict[str, float]:
        """Error of a copy of each mechanism still in the attack on the last query; nan when exhausted."""
        return {name: abs(answer - self.truth) for name, answer in self.last_answers().items()}

    def largest_errors(self) -> dict[str, float]:
        """Largest error of each mechanism still in the attack over all queries, the last included."""
        return {name: float(np.maximum(self.worst[name], last)) for name, last in self.last_errors().items()}


def total_variation(sample: np.ndarray, distribution: np.ndarray) -> float:
    """Total variation distance of a sample's histogram from its distribution: the largest error of any subset query.

    Args:
        sample: (n,) indices into the universe.
        distribution: (U,) probabilities.
    """
    return 0.5 * np.abs(np.bincount(sample, minlength=len(distribution)) / len(sample) - distribution).sum()


class ReconstructionAttack:
    """Rebuild a sample's histogram from answers about random subsets (in the manner of Dinur and Nissim 2003).

    The analyst knows the distribution, the mechanism does not. Queries are indicators of independent uniform subsets
    A_j; votes V(x) = sum_j sgn(a_j - P(A_j)) (1[x in A_j] - 1/2); the last query is 1[V > 0].

    Args:
        distribution: (U,) probabilities P.
        oracles: mechanisms by name, on the same sample from P.
        rng: source of the subsets.
        chunk: queries in one batch.

    Attributes:
        queries: number of queries so far.
        worst: largest error of each mechanism on them, nan once it is exhausted.
        oracles: mechanisms that still answer.
    """

    def __init__(self, distribution: np.ndarray, oracles: dict, rng: np.random.Generator, *, chunk: int = 1024):
        self.oracles = dict(oracles)
        self.queries = 0
        self.worst = dict.fromkeys(self.oracles, 0.0)
        self._p = np.asarray(distribution, float)
        self._votes = {name: np.zeros(len(self._p)) for name in self.oracles}
        self._rng, self._chunk = rng, chunk

    def ask(self, count: int) -> None:
        """Put `count` more queries to every mechanism; one that is exhausted leaves the attack with error nan."""
        while count > 0:
            size = min(count, self._chunk)
            subsets = random_bits(size, len(self._p), self._rng).astype(np.float32)
            truth = subsets.astype(float) @ self._p
            for name, oracle in list(self.oracles.items()):
                try:
                    answers = oracle.answer(subsets)
                except BudgetExhausted:
                    self.oracles.pop(name)
                    self.worst[name] = math.nan
                    continue
                self.worst[name] = max(self.worst[name], float(np.abs(answers - truth).max()))
                signs = np.sign(answers - truth)
                self._votes[name] += signs @ subsets - 0.5 * signs.sum()
            self.queries += size
            count -= size

    def last_errors(self) -> dict[str, float]:
        """Error of a copy of each mechanism on the last query; nan when exhausted."""
        errors = {}
        for name in self.worst:
            query = (self._votes[name] > 0).astype(np.float32)
            truth = float(query.astype(float) @ self._p)
            errors[name] = abs(_ask_copy(self.oracles[name], query)[0] - truth) if name in self.oracles else math.nan
        return errors

    def largest_errors(self) -> dict[str, float]:
        """Largest error of each mechanism over all queries, the last included; nan when exhausted."""
        return {name: float(np.maximum(self.worst[name], last)) for name, last in self.last_errors().items()}


def _ask_copy(oracle, query: np.ndarray) -> tuple[float, object]:
    twin = copy.deepcopy(oracle)
    try:
        return float(twin.answer(query[None])[0]), twin
    except BudgetExhausted:
        return math.nan, twin
