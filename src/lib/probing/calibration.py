"""How far a classifier's probabilities are its accuracies, and the temperature that mends them.

Bins of equal width of the largest probability, as in Guo, Pleiss, Sun and Weinberger 2017.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special

LARGEST_LOG_TEMPERATURE = 5.0


class Reliability(NamedTuple):
    """Bins of the largest probability, each (bins,): samples, their mean probability and share of right ones.

    Means of a bin without samples are not numbers.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


class Calibration(NamedTuple):
    """Expected and largest error of calibration, before and after the temperature."""

    ece: float
    mce: float
    temperature: float
    scaled_ece: float
    scaled_mce: float


def reliability(probabilities, labels, bins: int = 15) -> Reliability:
    """Sort samples into bins of equal width.

    Args:
        probabilities: (n, C), rows that sum to one.
        labels: (n,) integers below C.
        bins: number of bins of (0, 1].

    Raises:
        ValueError: no samples, shapes that do not fit, or rows that are no probabilities.
    """
    probabilities, labels = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            f"probabilities, labels: got shapes {probabilities.shape} and {labels.shape}, expected (n, C), (n,)"
        )
    if not (probabilities >= 0).all() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-5):
        raise ValueError("probabilities: got rows that are negative, do not sum to one or are not numbers")
    _check_labels(labels, probabilities.shape[1])
    largest = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(largest * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, largest, bins) / counts
        accuracy = np.bincount(place, right, bins) / counts
    return Reliability(counts, confidence, accuracy)


def expected_error(bins: Reliability) -> float:
    """ECE: mean over samples of the distance of their bin's accuracy from its mean probability."""
    gaps = np.nan_to_num(np.abs(bins.accuracy - bins.confidence))
    return float(bins.counts @ gaps / bins.counts.sum())


def largest_error(bins: Reliability) -> float:
    """MCE: largest distance of a bin's accuracy from its mean probability."""
    return float(np.nanmax(np.abs(bins.accuracy - bins.confidence)))


def fit_temperature(logits, labels) -> float:
    """T that minimises the mean cross-entropy of logits / T, sought over log T in [-5, 5].

    Args:
        logits: (n, C), of samples that were not trained on.
        labels: (n,) integers below C.

    Raises:
        ValueError: logits that are not finite, no samples, or labels that do not fit.
    """
    logits, labels = _checked(logits, labels)
    centred = logits - logits.max(axis=1, keepdims=True)
    own = centred[np.arange(len(labels)), labels].mean()

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return special.logsumexp(inverse * centred, axis=1).mean() - inverse * own

    grid = np.linspace(-LARGEST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE, 21)
    best = int(np.argmin([loss(point) for point in grid]))  # the loss is convex in 1 / T: one valley
    bounds = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    return float(np.exp(optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-8}).x))


def calibrate(logits, labels, held_out_logits, held_out_labels, bins: int = 15) -> Calibration:
    """Errors of calibration before and after a temperature that held-out samples choose.

    Args:
        logits, labels: (n, C) and (n,), where errors are measured.
        held_out_logits, held_out_labels: on which the temperature is fitted.
        bins: of equal width.

    Raises:
        ValueError: as of `fit_temperature`.
    """
    logits, labels = _checked(logits, labels)
    temperature = fit_temperature(held_out_logits, held_out_labels)
    before, after = (reliability(special.softmax(logits / t, axis=1), labels, bins) for t in (1.0, temperature))
    return Calibration(
        expected_error(before), largest_error(before), temperature, expected_error(after), largest_error(after)
    )


def _check_labels(labels: np.ndarray, classes: int) -> None:
    if labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < classes)).all():
        raise ValueError(f"labels: got {np.unique(labels)[:10]}, expected integers 0 .. {classes - 1}")


def _checked(logits, labels) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = np.asarray(logits, dtype=float), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(f"logits, labels: got shapes {logits.shape} and {labels.shape}, expected (n, C) and (n,)")
    if not np.isfinite(logits).all():
        raise ValueError("logits: got numbers that are not finite")
    _check_labels(labels, logits.shape[1])
    return logits, labels
