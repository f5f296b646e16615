"""Try to break a mechanism: a lower bound on epsilon from how well its outputs tell two neighbours apart.

The neighbours are n zeros (data set 0), and n - 1 zeros and a one (data set 1). The functions that end in `_scores`
return, for one mechanism, what `audit_epsilon` runs: `run(neighbour, trials, rng)`, scores (trials,) of its outputs.
"""

import math
from collections.abc import Callable

import numpy as np

from lib.privacy.mechanisms import BudgetExhausted, SparseVector, exponential_mechanism, laplace_mechanism
from lib.privacy.queries import PrivateMultiplicativeWeights
from lib.stats.intervals import clopper_pearson

Scores = Callable[[int, int, np.random.Generator], np.ndarray]


def audit_epsilon(
    run: Scores, *, trials: int, rng: np.random.Generator, level: float = 0.01, thresholds: int = 20
) -> float:
    """A value that epsilon exceeds with probability at least 1 - level, whatever the mechanism claims.

    Half of the runs choose the event {score >= c}, {score < c} or {score = c} that separates the neighbours best, the
    other half tests it, so that the choice does not bias the bound.

    Args:
        run: `run(neighbour, trials, rng)` returns (trials,) scores of the mechanism's outputs on data set 0 or 1.
        trials: runs on each neighbour, even.
        rng: source of randomness.
        level: error probability of the bound.
        thresholds: number of cut points c, quantiles of the pooled scores.

    Returns:
        The lower bound on epsilon, at least 0.
    """
    half = trials // 2
    scores = [np.asarray(run(neighbour, 2 * half, rng), float) for neighbour in (0, 1)]
    cuts = np.unique(np.quantile(np.concatenate([s[:half] for s in scores]), np.linspace(0.005, 0.995, thresholds)))
    events = [(compare, cut) for cut in cuts for compare in (np.greater_equal, np.less, np.equal)]

    def bound(compare, cut, part: slice, delta: float) -> tuple[float, float]:
        hits = [int(compare(s[part], cut).sum()) for s in scores]
        intervals = [clopper_pearson(h, half, delta) for h in hits]
        ratios = [math.log(intervals[a][0] / intervals[1 - a][1]) if intervals[a][0] > 0 else -math.inf for a in (0, 1)]
        return ratios[0], ratios[1]

    best = max(((max(bound(*event, slice(0, half), level)), event) for event in events), key=lambda entry: entry[0])[1]
    return max(0.0, *bound(*best, slice(half, None), level / 2))


def event_epsilon(hits: int, other_hits: int, trials: int, level: float = 0.001) -> float:
    """A value that epsilon exceeds with probability at least 1 - level, from one event chosen beforehand.

    Args:
        hits: trials on one record in which the event happened.
        other_hits: the same on the other record.
        trials: on each record.
        level: error probability; both proportions have exact intervals at half of it.

    Raises:
        ValueError: counts outside [0, trials], or a level outside (0, 1).
    """
    (low, _), (_, high) = (clopper_pearson(count, trials, level) for count in (hits, other_hits))
    return max(0.0, math.log(low / high)) if low > 0 else 0.0


def laplace_scores(size: int, epsilon: float) -> Scores:
    """Mean of n samples with Laplace noise that is calibrated to epsilon."""

    def run(neighbour, trials, rng):
        return laplace_mechanism(np.full(trials, neighbour / size), epsilon, 1 / size, rng)

    return run


def exponential_scores(size: int, epsilon: float) -> Scores:
    """Index chosen by the exponential mechanism from the utilities 0 and the mean of n samples."""

    def run(neighbour, trials, rng):
        return exponential_mechanism(np.tile([0.0, neighbour / size], (trials, 1)), epsilon, 1 / size, rng)

    return run


def sparse_vector_scores(size: int, epsilon: float, length: int = 3) -> Scores:
    """Place of the first value above the threshold in a stream that lies half a sensitivity below or above it.

    Args:
        size: number n of samples.
        epsilon: privacy of the stream.
        length: values in the stream; also the score of a stream without such a value.
    """

    def run(neighbour, trials, rng):
        scores = np.empty(trials)
        for trial in range(trials):
            first = SparseVector(0.0, epsilon, 1, 1 / size, rng).first_above(
                np.full(length, (neighbour - 0.5) * (1 / size))
            )
            scores[trial] = length if first is None else first
        return scores

    return run


def multiplicative_weights_scores(size: int, epsilon: float, length: int = 20) -> Scores:
    """Place at which private multiplicative weights with one update is exhausted by a stream of equal queries.

    The query asks for ones, its threshold is one scale of the noise, and the stream spends two runs of the private test
    and one answer, 9 / (n b) in all.

    Args:
        size: number n of samples.
        epsilon: privacy of the whole stream.
        length: queries in the stream; also the score of a stream that is answered to its end.
    """
    scale = 9 / (size * epsilon)

    def run(neighbour, trials, rng):
        sample = np.zeros(size, int)
        sample[0] = neighbour
        query = np.array([[0.0, 1.0]], np.float32)
        scores = np.full(trials, float(length))
        for trial in range(trials):
            mechanism = PrivateMultiplicativeWeights(sample, 2, scale, scale, rng, max_updates=1, private_test=True)
            for place in range(length):
                try:
                    mechanism.answer(query)
                except BudgetExhausted:
                    scores[trial] = place
                    break
        return scores

    return run
