"""Two facts of linear feature extractors f(x) = V B x + b: where features stay, and how far random adapters stray."""

from typing import NamedTuple

import numpy as np
from scipy import linalg, special


class Motion(NamedTuple):
    """Lengths of feature changes: of an orthonormal basis of the complement of the training span, and in training."""

    outside: np.ndarray
    training: np.ndarray


def extractor_motion(
    x: np.ndarray, labels: np.ndarray, width: int, steps: int, step: float, rng: np.random.Generator
) -> Motion:
    """Train V, B and b by full-batch gradient descent on the mean cross-entropy; return how far features moved.

    Args:
        x: (n, d) training points, n < d.
        labels: (n,) integers.
        width: rows of B.
        steps, step: of gradient descent.
        rng: source of the start, normal with variance 1 / inputs.

    Source: corollary 4.3 of Tomihari and Sato 2024; lemma A.3 of Kumar et al. 2022.
    """
    n, d = x.shape
    indicators = np.eye(int(labels.max()) + 1)[labels]
    first = rng.standard_normal((width, d)) / np.sqrt(d)
    head, bias = rng.standard_normal((indicators.shape[1], width)) / np.sqrt(width), np.zeros(indicators.shape[1])
    moved = first.copy()
    for _ in range(steps):
        features = x @ moved.T
        slopes = (special.softmax(features @ head.T + bias, axis=1) - indicators) / n
        head_slope, feature_slope = slopes.T @ features, slopes @ head
        head, bias, moved = head - step * head_slope, bias - step * slopes.sum(0), moved - step * feature_slope.T @ x
    complement = linalg.null_space(x)
    change = moved - first
    return Motion(np.linalg.norm(change @ complement, axis=0), np.linalg.norm(x @ change.T, axis=1))


def adapter_inner_products(rank: int, cosines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """<A u, A v> - <u, v> for unit vectors u, v and A with r rows of independent normal entries of variance 1/r.

    Drawn in law: r |A u|^2 is chi-squared with r degrees of freedom, and given A u the part of A v that is independent
    of it is normal along A u with deviation |A u|.

    Args:
        rank: r.
        cosines: <u, v> of each draw.
        rng: source of randomness.
    """
    square = rng.chisquare(rank, size=len(cosines))
    across = np.sqrt(square) * rng.standard_normal(len(cosines))
    return (cosines * square + np.sqrt(1 - cosines**2) * across) / rank - cosines


def adapter_bound(rank: int, error: float) -> float:
    """4 exp(-(e^2 - e^3) r / 4), the bound on the probability of a relative error above e; it may exceed one."""
    return float(4 * np.exp(-(error**2 - error**3) * rank / 4))
