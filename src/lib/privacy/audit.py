"""Try to break a mechanism: a lower bound on epsilon from how well its outputs tell two neighbours apart."""

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import beta


def clopper_pearson(hits: int, trials: int, level: float) -> tuple[float, float]:
    """Exact two-sided interval of a proportion with error probability `level`."""
    lower = beta.ppf(level / 2, hits, trials - hits + 1) if hits else 0.0
    upper = beta.ppf(1 - level / 2, hits + 1, trials - hits) if hits < trials else 1.0
    return float(lower), float(upper)


def audit_epsilon(
    run: Callable[[int, int, np.random.Generator], np.ndarray],
    *,
    trials: int,
    rng: np.random.Generator,
    level: float = 0.01,
    thresholds: int = 20,
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
