"""Summaries of errors over independent repetitions."""

import numpy as np


def mean_and_error(values, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error along an axis of at least two repetitions."""
    values = np.asarray(values, dtype=float)
    return values.mean(axis), values.std(axis, ddof=1) / np.sqrt(values.shape[axis])


def root_mean_square(errors, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """Root mean square of errors along an axis, and its standard error by the delta method."""
    mean, se = mean_and_error(np.asarray(errors, dtype=float) ** 2, axis)
    root = np.sqrt(mean)
    return root, np.divide(se, 2 * root, out=np.zeros_like(se), where=root > 0)


def kurtosis(values, axis: int = -1) -> np.ndarray:
    """Fourth central moment over the squared variance (3 for normal values); NaN where all values are equal.

    A mean of a few hundred values with a kurtosis above about 50 rests on one or two of them.
    """
    centred = np.asarray(values, dtype=float)
    centred = centred - centred.mean(axis, keepdims=True)
    variance, fourth = np.mean(centred**2, axis), np.mean(centred**4, axis)
    return np.divide(fourth, variance**2, out=np.full_like(fourth, np.nan), where=variance > 0)
