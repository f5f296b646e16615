"""Answering statistical queries from a sample: plain, split, perturbed, and by private multiplicative weights.

A mechanism holds n samples as indices into a support of k points: the elements of a finite universe, or the samples
themselves. A batch of queries is an array (c, k) of values in [0, 1] at the points of the support. `answer` returns
(c,) answers, one for each query.
"""

import math

import numpy as np
from numba import njit

from lib.privacy.accounting import PrivacyLedger, gaussian_rho
from lib.privacy.mechanisms import BudgetExhausted, SparseVector, check_positive

HALF = np.float32(0.5)
BLOCK = 1024  # thresholds that `Thresholdout` draws at once


def check_shape(queries: np.ndarray, points: int) -> np.ndarray:
    """Refuse queries that have not a value for each point of the support.

    Raises:
        ValueError: another shape than (c, points).
    """
    queries = np.asarray(queries)
    if queries.ndim != 2 or queries.shape[1] != points:
        raise ValueError(f"queries: got shape {queries.shape}, expected (c, {points}), a value for each point")
    return queries


def check_queries(queries: np.ndarray, points: int) -> np.ndarray:
    """Refuse queries of a wrong shape or with values outside [0, 1].

    Raises:
        ValueError: another shape, or a value outside [0, 1].
    """
    queries = check_shape(queries, points)
    if queries.dtype != bool and queries.size and not (queries.min() >= 0 and queries.max() <= 1):
        raise ValueError(f"queries: got values in [{queries.min()}, {queries.max()}], expected [0, 1]")
    return queries


def counts_of(sample: np.ndarray, points: int) -> np.ndarray:
    """Number of samples at each point of the support, (k,), in single precision (exact below 2^24).

    Raises:
        ValueError: no samples, or an index outside the support.
    """
    sample = np.asarray(sample)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"sample: got shape {sample.shape}, expected (n,) with n >= 1")
    if sample.min() < 0 or sample.max() >= points:
        raise ValueError(f"sample: got indices up to {sample.max()}, expected 0 <= index < {points}")
    return np.bincount(sample, minlength=points).astype(np.float32)


def means(queries: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Empirical means (c,) of queries (c, k); sums of zeros and ones are exact, so that ties at 1/2 are ties."""
    return (queries.astype(np.float32, copy=False) @ counts).astype(float) / float(counts.sum(dtype=float))


class Naive:
    """Answers with empirical means."""

    def __init__(self, sample: np.ndarray, points: int):
        self.counts = counts_of(sample, points)
        self.samples = len(sample)

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Empirical means of queries (c, k)."""
        return means(check_queries(queries, len(self.counts)), self.counts)


class SampleSplit:
    """Answers each of at most `limit` queries from its own block of floor(n / limit) samples.

    Raises:
        ValueError: more queries than samples.
    """

    def __init__(self, sample: np.ndarray, points: int, limit: int):
        if not 1 <= limit <= len(sample):
            raise ValueError(f"limit: got {limit}, expected 1 to {len(sample)}, the number of samples")
        counts_of(sample, points)
        self._size = len(sample) // limit
        self._blocks = np.asarray(sample)[: limit * self._size].reshape(limit, self._size)
        self._points, self._used = points, 0

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Means of queries (c, k), each on its block.

        Raises:
            BudgetExhausted: there are not enough blocks left.
        """
        queries = check_queries(queries, self._points)
        stop = self._used + len(queries)
        if stop > len(self._blocks):
            raise BudgetExhausted(f"sample splitting has {len(self._blocks)} blocks, got query {stop}")
        blocks, self._used = self._blocks[self._used : stop], stop
        return np.take_along_axis(queries, blocks, axis=1).mean(axis=1, dtype=float)


class Laplace(Naive):
    """Empirical means with Laplace noise of scale b: 1/(n b)-private for each query."""

    def __init__(self, sample: np.ndarray, points: int, scale: float, rng: np.random.Generator):
        super().__init__(sample, points)
        check_positive(scale=scale)
        self.scale, self.ledger, self._rng = scale, PrivacyLedger(), rng

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Noisy means of queries (c, k)."""
        exact = super().answer(queries)
        self.ledger.spend(1 / (self.samples * self.scale), len(exact))
        return exact + self._rng.laplace(scale=self.scale, size=len(exact))


class Gaussian(Naive):
    """Empirical means with Gaussian noise of standard deviation s: 1/(2 n^2 s^2)-zCDP for each query."""

    def __init__(self, sample: np.ndarray, points: int, sigma: float, rng: np.random.Generator):
        super().__init__(sample, points)
        check_positive(sigma=sigma)
        self.sigma, self.ledger, self._rng = sigma, PrivacyLedger(), rng

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Noisy means of queries (c, k)."""
        exact = super().answer(queries)
        self.ledger.spend_rho(gaussian_rho(self.sigma, 1 / self.samples, len(exact)))
        return exact + self._rng.normal(scale=self.sigma, size=len(exact))


@njit(cache=True, fastmath={"reassoc", "contract"})
def _answer_until_far(queries, first, counts, total, noise, hypothesis, bound, answers):
    """Answer q.p to queries (c, k) from `first` on, up to one whose noisy mean is further from it than the bound.

    Returns the place of that query (c where there is none) and its noisy mean. A query with a value outside [0, 1] ends
    it too, with NaN. One pass over the queries: they are read from memory once.
    """
    for j in range(first, len(queries)):
        mean = proposed = outside = np.float32(0)
        for k in range(len(hypothesis)):
            value = queries[j, k]
            mean += value * counts[k]
            proposed += value * hypothesis[k]
            outside += np.float32(0) if abs(value - HALF) <= HALF else np.float32(1)
        if outside > 0:
            return j, np.nan
        answers[j] = proposed
        noisy = mean / total + noise[j]
        if abs(noisy - proposed) > bound:
            return j, noisy
    return len(queries), 0.0


@njit(cache=True, fastmath={"reassoc", "contract"})
def _reweigh(hypothesis, query, step):
    """Multiply a histogram by exp(step q), in place, and normalise it."""
    total = 0.0
    for k in range(len(hypothesis)):
        hypothesis[k] *= np.exp(step * query[k])
        total += hypothesis[k]
    for k in range(len(hypothesis)):
        hypothesis[k] /= total


class PrivateMultiplicativeWeights:
    """Answers from a hypothesis over the universe, corrected where it is far off (Hardt and Rothblum 2010).

    Starting from the uniform histogram p, a query q gets q.p when the noisy mean lies within `threshold` of it, else
    the noisy mean itself, and p is multiplied by exp(+-eta q). With `private_test` the comparison is AboveThreshold
    (Dwork and Roth 2014, algorithm 1) with fresh noise Lap(scale / 2) on the threshold after every update. A run of it
    that ends in an update costs 4/(n b), one that has not ended yet 2/(n b), and the answer of an update 1/(n b).
    Without it the noise of the answer serves the test too, and only the answer's 1/(n b) is accounted for.

    Args:
        sample: (n,) indices into the universe.
        points: size U of the universe.
        threshold: T, largest accepted distance of the noisy mean from the hypothesis.
        scale: b of the Laplace noise; 0 corrects without noise (no privacy).
        rng: source of the noise.
        max_updates: updates C after which the mechanism stops; 16 log U / T^2 by default, and 0 allows none.
        private_test: see above.

    Raises:
        ValueError: threshold not above 0, a negative scale, or a negative number of updates.
    """

    def __init__(
        self,
        sample: np.ndarray,
        points: int,
        threshold: float,
        scale: float,
        rng: np.random.Generator,
        *,
        max_updates: int | None = None,
        private_test: bool = False,
    ):
        check_positive(threshold=threshold)
        if not scale >= 0 or (private_test and scale == 0):
            raise ValueError(f"scale: got {scale!r}, expected at least 0, and above 0 for a private test")
        if max_updates is not None and max_updates < 0:
            raise ValueError(f"max_updates: got {max_updates}, expected at least 0")
        self.counts = counts_of(sample, points)
        self.samples, self.threshold, self.scale = len(sample), threshold, scale
        self.hypothesis = np.full(points, 1 / points, np.float32)
        most = math.ceil(16 * math.log(points) / threshold**2)
        self.updates, self.max_updates = 0, most if max_updates is None else max_updates
        self.exhausted = False
        self._asked, self._private, self._rng = False, private_test, rng
        self._shift = rng.laplace(scale=scale / 2) if private_test else 0.0

    def _spent(self, asked: bool, ended: int, answers: int) -> PrivacyLedger:
        """Account of `ended` runs of the private test, of one that has not ended, and of answers with noise."""
        ledger = PrivacyLedger()
        unit = 1 / (self.samples * self.scale) if self.scale else math.inf
        if self._private:
            ledger.spend(4 * unit, ended)
            ledger.spend(2 * unit, int(asked))
        ledger.spend(unit, answers if self.scale else int(asked))
        return ledger

    @property
    def ledger(self) -> PrivacyLedger:
        """Privacy spent so far; infinite without noise."""
        return self._spent(self._asked and not self.exhausted, self.updates + self.exhausted, self.updates)

    @property
    def epsilon_bound(self) -> float:
        """Privacy of any stream of queries: C updates, and with a private test a last run that ends too."""
        return self._spent(not self.scale, self.max_updates + 1, self.max_updates).epsilon(0.0)

    def sample_error(self, count: int, failure: float) -> float:
        """Distance from the sample's means that none of `count` answers exceeds with probability 1 - failure.

        T, and by the union bound the largest of `count` noises on comparisons, of C answers, and with a private test of
        C + 1 thresholds.
        """
        widths = [(self.scale, count + self.max_updates)]
        if self._private:
            widths.append((self.scale / 2, self.max_updates + 1))
        draws = sum(number for _, number in widths)
        return self.threshold + sum(width * math.log(draws / failure) for width, _ in widths)

    def _laplace(self, size: int) -> np.ndarray:
        return self._rng.laplace(scale=self.scale, size=size) if self.scale else np.zeros(size)

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Answers to queries (c, k), in order: an update inside the batch changes the answers after it.

        Raises:
            BudgetExhausted: an update is needed and none is left, or was needed earlier.
            ValueError: a query of another shape, or with a value outside [0, 1]; those before it are paid for.
        """
        queries = np.ascontiguousarray(check_shape(queries, len(self.counts)), np.float32)
        if self.exhausted:
            raise BudgetExhausted(f"private multiplicative weights has made all its {self.max_updates} updates")
        self._asked |= len(queries) > 0
        noise = self._laplace(len(queries))
        answers = np.empty(len(queries))
        start = 0
        while start < len(queries):
            bound = self.threshold + self._shift
            far, noisy = _answer_until_far(
                queries, start, self.counts, float(self.samples), noise, self.hypothesis, bound, answers
            )
            if far < len(queries):
                if math.isnan(noisy):
                    check_queries(queries[far : far + 1], len(self.counts))
                answers[far] = self._correct(queries[far], noisy, answers[far])
            start = far + 1
        return answers

    def _correct(self, query: np.ndarray, noisy: float, proposed: float) -> float:
        if self.updates == self.max_updates:
            self.exhausted = True
            raise BudgetExhausted(f"private multiplicative weights has made all its {self.max_updates} updates")
        self.updates += 1
        if self._private:
            noisy = float(means(query[None], self.counts)[0] + self._laplace(1)[0])
            self._shift = self._rng.laplace(scale=self.scale / 2)
        step = 0.5 * self.threshold * math.copysign(1.0, noisy - proposed)
        _reweigh(self.hypothesis, query, np.float32(step))
        return noisy


@njit(cache=True)
def _hits(excess, first, thresholds, places):
    """Places from `first` on whose excess is above the threshold of the moment, the next of which follows each hit.

    Ends when the thresholds are used up. Returns the number of hits and the place after the last one examined.
    """
    hits = 0
    for j in range(first, len(excess)):
        if excess[j] > thresholds[hits]:
            places[hits] = j
            hits += 1
            if hits == len(thresholds):
                return hits, j + 1
    return hits, len(excess)


class Thresholdout:
    """The reusable holdout: answers from a training set, corrected by a holdout where they differ (Dwork et al. 2015).

    Args:
        train, holdout: (n,) indices into the support.
        points: size of the support.
        threshold: T, largest accepted difference of the two means.
        sigma: scale of the noise.
        budget: number of answers that may come from the holdout.
        rng: source of the noise.
        noise: "laplace", the algorithm of the theorem: Lap(2 sigma) on the threshold, Lap(4 sigma) on a comparison,
            Lap(sigma) on an answer; or "gaussian", the published experiments: N(0, sigma^2) on a comparison and on an
            answer, none on the threshold.

    The theorem (Dwork et al. 2015, theorem 25): with T = 3 tau / 4 and sigma = tau / (96 ln(4 m / beta)) the answers to
    m queries are within tau of the truth with probability 1 - beta, until B of them had a training mean that is off by
    tau / 2, from n >= 2 B / (sigma tau) samples on, up to logarithms. The stream of answers is 2 B / (sigma n)-private.
    """

    def __init__(
        self,
        train: np.ndarray,
        holdout: np.ndarray,
        points: int,
        *,
        threshold: float,
        sigma: float,
        budget: int,
        rng: np.random.Generator,
        noise: str = "laplace",
    ):
        if noise not in ("laplace", "gaussian"):
            raise ValueError(f"noise: got {noise!r}, expected laplace or gaussian")
        self._train, self._holdout = counts_of(train, points), counts_of(holdout, points)
        self.budget = budget
        self._draw = rng.laplace if noise == "laplace" else rng.normal
        self._wide, self._shifted = (4 * sigma, 2 * sigma) if noise == "laplace" else (sigma, 0.0)
        self._sigma, self._threshold = sigma, threshold
        self._noisy = threshold + (self._draw(scale=self._shifted) if self._shifted else 0.0)

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Answers to queries (c, k).

        Raises:
            BudgetExhausted: an answer has to come from the holdout and its budget is spent.
        """
        queries = check_queries(queries, len(self._train))
        return self.answer_means(means(queries, self._train), means(queries, self._holdout))

    def answer_means(self, train: np.ndarray, holdout: np.ndarray) -> np.ndarray:
        """Answers (c,) from the means of c queries on the training set and on the holdout.

        Raises:
            BudgetExhausted: as of `answer`; the answers up to there are paid for.
        """
        answers, holdout = np.array(train, float), np.asarray(holdout, float)
        excess = np.abs(holdout - answers)
        excess -= self._draw(scale=self._wide, size=len(excess))
        start = 0
        while start < len(excess):
            # each answer from the holdout is followed by a threshold with noise of its own
            block = min(self.budget + 1, len(excess) - start, BLOCK)
            noise = self._draw(scale=self._shifted, size=block) if self._shifted else np.zeros(block)
            thresholds = np.concatenate([[self._noisy], self._threshold + noise])
            places = np.empty(block, np.int64)
            hits, start = _hits(excess, start, thresholds[:block], places)
            self._noisy = thresholds[hits]
            if hits > self.budget:
                self.budget = 0
                raise BudgetExhausted("the reusable holdout has no answers left")
            self.budget -= hits
            at = places[:hits]
            answers[at] = holdout[at] + self._draw(scale=self._sigma, size=hits)
        return answers


class SparseVectorCheck:
    """Check a stream of guessed answers against a holdout, at a cost for wrong ones only (sparse vector technique).

    Not the SparseValidate of the sequel (Dwork et al. 2015, arXiv 1506.02629), which adds no noise and
    answers yes or no. An alarm is raised where the guess is further than 3/4 of the tolerance from the holdout's mean,
    up to noise.

    Args:
        sample: (n,) the holdout's indices into the support.
        points: size of the support.
        tolerance: tau; guesses within tau/2 should pass, guesses off by more than tau should not.
        alarms: number of alarms that may be raised.
        epsilon: privacy of all answers together.
        rng: source of the noise.
    """

    def __init__(
        self,
        sample: np.ndarray,
        points: int,
        *,
        tolerance: float,
        alarms: int,
        epsilon: float,
        rng: np.random.Generator,
    ):
        self._counts = counts_of(sample, points)
        self._test = SparseVector(0.75 * tolerance, epsilon, alarms, 1 / len(sample), rng)

    @property
    def exhausted(self) -> bool:
        """Whether no alarm is left."""
        return self._test.exhausted

    def first_alarm(self, queries: np.ndarray, guesses: np.ndarray) -> int | None:
        """Index of the first guess that raises an alarm, or None; the queries after it are not examined.

        Args:
            queries: (c, k) values in [0, 1].
            guesses: (c,) guessed answers.

        Raises:
            BudgetExhausted: no alarm is left.
        """
        queries = check_queries(queries, len(self._counts))
        return self._test.first_above(np.abs(means(queries, self._counts) - guesses))


class EffectiveRounds:
    """Answers from a block of samples until a private check finds it overfitted, then from the next block.

    Half of the samples is the holdout of the check, the other half is cut into `rounds` blocks. The number of samples
    needed grows with the rounds in which the analyst overfits, not with the number of queries.

    Args:
        sample: (n,) indices into the support.
        points: size of the support.
        rounds: number R of blocks, and of alarms.
        tolerance, epsilon: of the check, see `SparseVectorCheck`.
        rng: source of the noise.
    """

    def __init__(
        self,
        sample: np.ndarray,
        points: int,
        *,
        rounds: int,
        tolerance: float,
        epsilon: float,
        rng: np.random.Generator,
    ):
        sample = np.asarray(sample)
        size = len(sample) // (2 * rounds)
        if size < 1:
            raise ValueError(f"sample: got {len(sample)} samples, expected at least {2 * rounds} for {rounds} rounds")
        self._blocks = [counts_of(sample[i * size : (i + 1) * size], points) for i in range(rounds)]
        self._check = SparseVectorCheck(
            sample[rounds * size :], points, tolerance=tolerance, alarms=rounds, epsilon=epsilon, rng=rng
        )
        self.alarms = 0

    def answer(self, queries: np.ndarray) -> np.ndarray:
        """Answers to queries (c, k), in order.

        Raises:
            BudgetExhausted: the last block was overfitted too.
        """
        queries = check_queries(queries, len(self._blocks[0]))
        answers = np.empty(len(queries))
        start = 0
        while start < len(queries):
            rest = queries[start:]
            guesses = means(rest, self._blocks[self.alarms])
            at = self._check.first_alarm(rest, guesses)
            stop = len(rest) if at is None else at
            answers[start : start + stop] = guesses[:stop]
            if at is None:
                break
            self.alarms += 1
            if self.alarms == len(self._blocks):
                raise BudgetExhausted(f"all {self.alarms} blocks of samples were overfitted")
            answers[start + at] = means(rest[at : at + 1], self._blocks[self.alarms])[0]
            start += at + 1
        return answers
