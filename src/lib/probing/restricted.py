"""Risks of linear functions of two classes on known populations, their best ones, and the ratio of excesses."""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special
from sklearn.linear_model import LogisticRegression

from lib.probing.consistency import CONSTANT, logistic_excess, zero_one_excess

DIRECTIONS = 72  # of the plane in the search for the best 0-1 risk, over half a turn


class Population(NamedTuple):
    """Points (N, d) of equal weight, and the probability (N,) of the second class at each."""

    x: np.ndarray
    p: np.ndarray

    def logistic_floor(self) -> float:
        """Mean of the least conditional logistic risk, the entropy, in nats."""
        return float(np.mean(special.entr(self.p) + special.entr(1 - self.p)))

    def zero_one_floor(self) -> float:
        """Mean of the least conditional 0-1 risk."""
        return float(np.mean(np.minimum(self.p, 1 - self.p)))


def xor_population(points: int, rng: np.random.Generator) -> Population:
    """Draws of four blobs at (+-1.5, +-1.5) of deviation .5; blobs on a diagonal are of one class."""
    corners = rng.choice([-1.5, 1.5], size=(points, 2))
    x = corners + 0.5 * rng.standard_normal((points, 2))
    # log density ratio of sums over two blobs each: log cosh(6 (x + y)) - log cosh(6 (x - y)), and cosh is even
    plus, minus = np.abs(6 * (x[:, 0] + x[:, 1])), np.abs(6 * (x[:, 0] - x[:, 1]))
    return Population(x, special.expit(np.logaddexp(plus, -plus) - np.logaddexp(minus, -minus)))


def sine_population(points: int) -> Population:
    """Midpoints of equal parts of (-1, 1), with probability .5 + .4 sin 4x."""
    x = (np.arange(points) + 0.5) / points * 2 - 1
    return Population(x[:, None], 0.5 + 0.4 * np.sin(4 * x))


def logistic_risk(population: Population, weights, shift: float) -> float:
    """Mean logistic loss of scores `x @ weights + shift` of the second class, in nats."""
    scores = population.x @ np.asarray(weights, float) + shift
    return float(np.mean(np.logaddexp(0, scores) - population.p * scores))


def zero_one_risk(population: Population, weights, shift: float) -> float:
    """Mean 0-1 loss of the sign of the scores; a score of 0 is decided by a coin."""
    scores = population.x @ np.asarray(weights, float) + shift
    second = np.where(scores > 0, 1 - population.p, population.p)
    return float(np.mean(np.where(scores == 0, 0.5, second)))


def class_logistic_fit(population: Population) -> tuple[np.ndarray, float]:
    """Weights and shift of the least logistic risk of linear functions, by scikit-learn on weighted labels."""
    x, p = population
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        np.concatenate([x, x]), np.repeat([0, 1], len(x)), np.concatenate([1 - p, p])
    )
    return fit.coef_[0], float(fit.intercept_[0])


def best_linear_risk(population: Population, directions: int = DIRECTIONS) -> float:
    """Least 0-1 risk of linear functions: every threshold along directions over half a turn, both signs.

    Exact in one dimension; in two the best over a grid of directions.

    Raises:
        ValueError: more than two dimensions.
    """
    x, p = population
    if x.shape[1] > 2:
        raise ValueError(f"population: got {x.shape[1]} dimensions, expected one or two")
    angles = np.arange(directions) * np.pi / directions if x.shape[1] == 2 else [0.0]
    best = min(p.mean(), 1 - p.mean())
    for angle in angles:
        order = np.argsort(x @ np.array([np.cos(angle), np.sin(angle)])[: x.shape[1]])
        below = np.cumsum(p[order] - 0.5) / len(p)  # the first class is named below the threshold, the second above
        # the risk is that of naming the second class everywhere, plus sum over points below of p - (1 - p)
        risks = 1 - p.mean() + 2 * below
        best = min(best, risks.min(), 1 - risks.max())
    return float(best)


def negative_log_ratio(flat: np.ndarray, classes: int) -> tuple[float, np.ndarray]:
    """Sum over points of -log(t / sqrt(2 KL)), t = p_max - p_1 and KL the logistic excess, and its gradient.

    Class probabilities are softmax(a), scores h with h_1 raised to the largest of the others, so that the worst tie
    counts. A point at which the first class is the most likely adds nothing, nor does one with t below 1e-3.

    Args:
        flat: (2 N K,) a (N, K) and then h (N, K); h_1 is not used.
        classes: K.
    """
    a, h = flat.reshape(2, -1, classes)
    rows = np.arange(len(a))
    top = 1 + np.argmax(h[:, 1:], axis=1)
    scores = np.concatenate([h[rows, top][:, None], h[:, 1:]], axis=1)
    p, q = special.softmax(a, axis=1), special.softmax(scores, axis=1)
    likely = np.argmax(p, axis=1)
    t, logistic = p[rows, likely] - p[:, 0], logistic_excess(p, scores)
    counts = (t > 1e-3) & (logistic > 0)
    t, logistic = np.where(counts, t, 1.0), np.where(counts, logistic, 0.5)
    # d p_j / d a = p_j (e_j - p), d KL / d a_i = p_i (log(p_i / q_i) - KL), d KL / d h = q - p
    rise = -t[:, None] * p
    rise[rows, likely] += p[rows, likely]
    rise[:, 0] -= p[:, 0]
    log_ratio = special.log_softmax(a, axis=1) - special.log_softmax(scores, axis=1)
    by_a = rise / t[:, None] - 0.5 * p * (log_ratio / logistic[:, None] - 1)
    by_h = -0.5 * (q - p) / logistic[:, None]
    by_h[rows, top] += by_h[:, 0]
    by_h[:, 0] = 0.0
    value = -np.sum((np.log(t) - 0.5 * np.log(2 * logistic))[counts])
    return float(value), -(np.stack([by_a, by_h]) * counts[None, :, None]).ravel()


def climb_ratio(classes: int, starts: int, rng: np.random.Generator, steps: int = 200) -> float:
    """Largest ratio of the 0-1 excess to its bound that L-BFGS attains from random starts, each on its own.

    Args:
        classes: K.
        starts: number of starts.
        rng: their source.
        steps: iterations.
    """
    best = 0.0
    for start in rng.standard_normal((starts, 2 * classes)):
        result = optimize.minimize(
            negative_log_ratio,
            start,
            (classes,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": steps, "gtol": 1e-10, "ftol": 0.0},
        )
        a, h = result.x.reshape(2, classes)
        h[0] = h[1:].max()
        p = special.softmax(a)
        excess = zero_one_excess(p, h)
        if excess > 1e-3:
            best = max(best, float(excess / (CONSTANT * np.sqrt(logistic_excess(p, h)))))
    return best
