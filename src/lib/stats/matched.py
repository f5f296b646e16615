"""Gaussian mixtures whose class means and covariances are those of labelled samples."""

from typing import NamedTuple

import numpy as np


class ClassGaussians(NamedTuple):
    """One Gaussian for each class: means (K, d), covariances (K, d, d), and roots with root root^T = covariance."""

    mean: np.ndarray
    covariance: np.ndarray
    root: np.ndarray


def symmetric_root(covariance) -> np.ndarray:
    """The symmetric root (..., d, d) of covariances (..., d, d), which may be singular; no ridge is added.

    The signs of eigenvectors, which differ between machines, do not matter for it.
    """
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def match_classes(x, label, classes: int) -> ClassGaussians:
    """Sample means and covariances of each class (n - 1 in the denominator), with roots to draw from.

    Args:
        x: (n, d).
        label: (n,) integers from 0 to `classes` - 1.
        classes: number K of classes.

    Raises:
        ValueError: a class with fewer than two samples.
    """
    x, label = np.asarray(x, dtype=float), np.asarray(label)
    count = np.bincount(label, minlength=classes)
    if count.min() < 2:
        raise ValueError(f"label: got {count.min()} sample(s) of class {count.argmin()}, expected at least 2 of each")
    parts = [x[label == k] for k in range(classes)]
    covariance = np.stack([np.cov(part, rowvar=False) for part in parts])
    return ClassGaussians(np.stack([part.mean(axis=0) for part in parts]), covariance, symmetric_root(covariance))


def draw_mixture(gaussians: ClassGaussians, label, rng: np.random.Generator) -> np.ndarray:
    """One draw from the Gaussian of each label (n,): (n, d)."""
    label = np.asarray(label)
    x = np.empty((len(label), gaussians.mean.shape[1]))
    for k, (mean, root) in enumerate(zip(gaussians.mean, gaussians.root)):
        rows = label == k
        x[rows] = mean + rng.standard_normal((rows.sum(), len(mean))) @ root.T
    return x


def gram_distance(first, second) -> float:
    """How far the Gram spectra of two samples of one size are apart.

    Mean over the largest d / 2 eigenvalues of x x^T of the absolute logarithm of their ratio; scale-free, and blind to
    the smallest eigenvalues.

    Args:
        first, second: (n, d), n at least d / 2.
    """
    half = first.shape[1] // 2
    values = [np.linalg.svd(x, compute_uv=False)[:half] ** 2 for x in (first, second)]
    return float(np.mean(np.abs(np.log(values[0] / values[1]))))
