"""Gaussian mixtures with a common covariance, and the exact error of linear rules on them."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

SETTINGS = ("easy", "hard", "dilute")
LARGEST_EXACT = 3  # classes; orthant probabilities in more than two dimensions have no closed form
DRAWS = 100_000
CHUNK = 2048  # rows drawn at once


@dataclass(frozen=True)
class Mixture:
    """Balanced classes N(mu_k, Sigma).

    Args:
        means: (K, n).
        variances: (n,) diagonal of Sigma.
        factor: (n, n) with factor @ factor.T = Sigma, or None where Sigma is diagonal.
    """

    means: np.ndarray
    variances: np.ndarray
    factor: np.ndarray | None = None

    def quadratic(self, weights: np.ndarray) -> np.ndarray:
        """Covariances weights Sigma weights^T (..., R, R) of projections on the rows of weights (..., R, n)."""
        spread = weights * np.sqrt(self.variances) if self.factor is None else weights @ self.factor
        return spread @ np.swapaxes(spread, -1, -2)

    def draw_labels(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Labels (rows,) drawn uniformly, anew until each class occurs.

        Raises:
            ValueError: fewer rows than classes.
        """
        classes = len(self.means)
        if rows < classes:
            raise ValueError(f"rows: got {rows}, expected at least the number of classes, {classes}")
        while True:
            labels = rng.integers(classes, size=rows)
            if len(np.unique(labels)) == classes:
                return labels

    def draw(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rows (m, n) of these classes."""
        noise = rng.standard_normal((len(labels), self.means.shape[1]))
        if self.factor is None:
            noise *= np.sqrt(self.variances)
        else:
            noise = noise @ self.factor.T
        noise += self.means[labels]
        return noise

    def draw_blocks(self, labels: np.ndarray, rng: np.random.Generator):
        """Yield labels and rows of consecutive blocks; the rows are those of `draw`."""
        for start in range(0, len(labels), CHUNK):
            block = labels[start : start + CHUNK]
            yield block, self.draw(block, rng)


def projected(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest positive semidefinite matrix in the Frobenius norm, as a factor (n, n), and its diagonal (n,).

    Args:
        matrix: (n, n) symmetric.
    """
    values, vectors = linalg.eigh(matrix)
    factor = vectors * np.sqrt(np.clip(values, 0, None))
    return factor, (factor**2).sum(axis=1)


def power_mixture(classes: int, dim: int, setting: str = "easy", matrix_seed: int = 0) -> Mixture:
    """The mixture of the paper's simulation.

    Means are -1 and 2^(k - 1) in every coordinate; the variance is n in the first half of the coordinates, 1 in the
    rest. For more than two classes all is shifted and divided by 2^(K - 3). `hard` adds the entries of A^T A outside
    the diagonal, A uniform in [-1, 1]; that matrix is indefinite, and its negative eigenvalues are set to zero.

    Args:
        classes: K, at least 2.
        dim: n, at least 2.
        setting: `easy` or `hard`.
        matrix_seed: seed of A; the authors' is 0.

    Raises:
        ValueError: a size or setting that does not fit.

    Source: Zheng et al. 2023, arXiv 2302.02334, simulation, and the authors' code.
    """
    if classes < 2 or dim < 2:
        raise ValueError(f"classes, dim: got {classes} and {dim}, expected at least 2 of each")
    levels = np.append(-1.0, 2.0 ** np.arange(classes - 1))
    means = np.repeat(levels[:, None], dim, axis=1)
    variances = np.where(np.arange(dim) < dim // 2, float(dim), 1.0)
    shift = scale = 2.0 ** (classes - 3) if classes > 2 else None
    if setting == "easy":
        factor = None
    elif setting == "hard":
        a = 2 * np.random.RandomState(matrix_seed).uniform(size=(dim, dim)) - 1
        covariance = a.T @ a
        np.fill_diagonal(covariance, variances)
        factor, variances = projected(covariance)
    else:
        raise ValueError(f"setting: got {setting!r}, expected easy or hard")
    if scale is None:
        return Mixture(means, variances, factor)
    return Mixture((means - shift) / scale, variances / scale**2, None if factor is None else factor / scale)


def dilute_mixture(dim: int, strength: float = 2.0) -> Mixture:
    """Two classes at +-strength / sqrt(n) in every coordinate, unit covariance: the best error is Phi(-strength)."""
    means = np.full((2, dim), strength / np.sqrt(dim))
    return Mixture(means * [[-1], [1]], np.ones(dim))


def linear_rule_error(mixture: Mixture, weights, intercepts, *, draws: int = DRAWS, rng=None) -> float:
    """Probability that a linear rule names the wrong class of a balanced mixture.

    Exact for two and three classes. For more, score differences, K - 1 numbers, are drawn instead of n features.

    Args:
        mixture: classes and covariance.
        weights: (K, n); of two classes also (1, n), the score of the second.
        intercepts: (K,) or (1,).
        draws: of each class, for more than three classes.
        rng: their source; a fixed one by default, so that rules are compared on the same draws.

    Raises:
        ValueError: shapes that do not fit.
    """
    weights, intercepts = np.asarray(weights, float), np.asarray(intercepts, float)
    classes, dim = mixture.means.shape
    if classes == 2 and len(weights) == 1:
        weights, intercepts = np.vstack([np.zeros(dim), weights]), np.append(0.0, intercepts)
    if weights.shape != (classes, dim) or intercepts.shape != (classes,):
        raise ValueError(f"weights: got shape {weights.shape}, expected {(classes, dim)}, and as many intercepts")
    errors = []
    for k, mean in enumerate(mixture.means):
        others = np.delete(np.arange(classes), k)
        difference = weights[k] - weights[others]
        centre = difference @ mean + intercepts[k] - intercepts[others]
        covariance = mixture.quadratic(difference)
        errors.append(_miss(centre, covariance, others < k, draws, rng))
    return float(np.mean(errors))


def _miss(centre, covariance, wins_ties, draws, rng) -> float:
    """Probability that a Gaussian vector has an entry below zero; where it cannot vary, ties go to the lower label."""
    spread = np.sqrt(np.diagonal(covariance))
    fixed = spread == 0
    if np.any(fixed & ((centre < 0) | ((centre == 0) & wins_ties))):
        return 1.0
    centre, spread, covariance = centre[~fixed], spread[~fixed], covariance[np.ix_(~fixed, ~fixed)]
    below = special.ndtr(-centre / spread)
    if len(centre) <= 1:
        return float(below.sum())
    if len(centre) < LARGEST_EXACT:
        correlation = covariance[0, 1] / (spread[0] * spread[1])
        both = bivariate_normal(*(-centre / spread), correlation)
        return float(below.sum() - both)
    rng = np.random.default_rng(0) if rng is None else rng
    factor, _ = projected(covariance)
    sample = rng.standard_normal((draws, len(centre))) @ factor.T + centre
    return float(np.mean((sample < 0).any(axis=1)))


def bivariate_normal(h: float, k: float, correlation: float) -> float:
    """P(X <= h, Y <= k) of standard normal X and Y of a correlation.

    Source: Owen 1956, Tables for computing bivariate normal probabilities, equation 2.1.
    """
    correlation = float(np.clip(correlation, -1, 1))
    rest = np.sqrt((1 - correlation) * (1 + correlation))
    if rest == 0:
        return float(special.ndtr(min(h, k)) if correlation > 0 else max(0.0, special.ndtr(h) - special.ndtr(-k)))
    if h == 0 and k == 0:
        return 0.25 + np.arcsin(correlation) / (2 * np.pi)
    parts = [_owen(h, k, correlation, rest), _owen(k, h, correlation, rest)]
    apart = 0.5 if h * k < 0 or (h * k == 0 and h + k < 0) else 0.0
    return float(0.5 * (special.ndtr(h) + special.ndtr(k)) - sum(parts) - apart)


def _owen(h, k, correlation, rest) -> float:
    if h == 0:  # T(0, a) = arctan(a) / 2 pi, and a is infinite
        return 0.25 * np.sign(k)
    return special.owens_t(h, (k - correlation * h) / (h * rest))


def best_linear_rule(mixture: Mixture, variances=None) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, n) and intercepts (K,) of naive Bayes with the true means, and variances that are true by default."""
    variances = mixture.variances if variances is None else variances
    weights = mixture.means / variances
    return weights, -0.5 * (weights * mixture.means).sum(axis=1)


def dilute_crossing(dim: int, strength: float, margin: float) -> float:
    """Leading order of the number of samples at which the class mean rule of `dilute_mixture` is within a margin.

    With w = mu + noise of variance 1 / m in each coordinate the normalised margin is s^2 / sqrt(s^2 + n / m), so that
    m / n = 1 / (s^4 / q^2 - s^2) with q the quantile of the target error Phi(-s) + margin.
    """
    quantile = -special.ndtri(special.ndtr(-strength) + margin)
    return dim / (strength**4 / quantile**2 - strength**2)


def mean_accuracy_size(dim: int, tolerance: float, probability: float) -> int:
    """Least m for which the means of m samples of `dim` standard normal features all err below the tolerance.

    P(max_i |error_i| < t) = (2 Phi(t sqrt(m)) - 1)^n reaches the probability.
    """
    each = np.exp(np.log(probability) / dim)
    return int(np.ceil((special.ndtri((1 + each) / 2) / tolerance) ** 2))
