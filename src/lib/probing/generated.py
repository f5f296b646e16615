"""Universality and concentration of labelled images that somebody generated, from an .npz of their own.

One class is in work at a time: at 12,288 features a covariance takes 1.2 GB and its eigenvectors as much again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from lib.diffusion.functionals import unit_vectors
from lib.probing.sgd import measure_errors, sgd_classifiers, sgd_orders
from lib.probing.universality import SOURCES, TEST_SOURCES
from lib.stats.matched import ClassGaussians, draw_mixture, gram_distance, match_classes
from lib.stats.tails import kurtosis

PAIRS = ("mixture", "null")


class ClassNumbers(NamedTuple):
    """Spread of a class: mean kurtosis of projections, norm, its relative deviation, condition number, held-out ratio,
    and Gram distances from the mixture and between two halves.
    """

    kurtosis: float
    norm_mean: float
    norm_spread: float
    condition: float
    heldout: float
    distance: tuple[float, float]


def read_images(path: str | Path, least: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, features) float32 and labels (N,) of an .npz with `x` and `label`.

    Args:
        path: the file; images may have any axes after the first.
        least: images that each class must have.

    Raises:
        ValueError: no such arrays, whole numbers for images (rounded or clipped images are bounded, so that they
            concentrate for that reason alone), values that are not finite, labels that do not fit, or a small class.
    """
    with np.load(path) as archive:
        missing = {"x", "label"} - set(archive.files)
        if missing:
            raise ValueError(f"{path}: got arrays {', '.join(archive.files)}, expected x and label")
        x, label = archive["x"], archive["label"]
    if x.dtype.kind != "f":
        raise ValueError(f"{path}: x: got type {x.dtype}, expected floats that were neither rounded nor clipped")
    x = x.reshape(len(x), -1).astype(np.float32, copy=False)
    if label.shape != (len(x),) or label.dtype.kind not in "iu":
        raise ValueError(f"{path}: label: got {label.dtype} {label.shape}, expected {len(x)} integers")
    if not np.isfinite(x).all():
        raise ValueError(f"{path}: x: got values that are not finite, expected finite ones")
    check_classes(label, least)
    return x, label.astype(np.int64)


def check_classes(label: np.ndarray, least: int) -> int:
    """Number of classes of labels that are 0, 1, ... without a gap.

    Raises:
        ValueError: negative labels, one class alone, or a class with fewer images than `least`.
    """
    if len(label) == 0 or label.min() < 0:
        raise ValueError("label: got none or a negative one, expected integers from 0")
    count = np.bincount(label)
    if len(count) < 2 or count.min() < least:
        raise ValueError(
            f"label: got {count.min()} images of class {count.argmin()} of {len(count)}, expected two classes and at "
            f"least {least} images of each"
        )
    return len(count)


def measure_universality(
    x: np.ndarray,
    label: np.ndarray,
    *,
    sizes: list[int],
    tests: int,
    repeats: int,
    rng: np.random.Generator,
    loss: str = "squared",
    learning_rate: float = 0.05,
    epochs: int = 60,
    batch: int = 64,
    projections: int = 50,
    least: int = 2,
    device: str = "cpu",
    report: Callable = lambda items: items,
) -> xr.Dataset:
    """Compare linear classifiers trained on images and on the Gaussian mixture of their class moments.

    Args:
        x: (N, d) float32.
        label: (N,) integers from 0.
        sizes: training images of each class.
        tests: test images of each class.
        repeats: orders of SGD; each takes other images of a fixed training set where `sizes` leaves a choice.
        rng: source of all randomness.
        loss, learning_rate, epochs, batch: see `lib.probing.sgd.sgd_classifiers`.
        projections: random directions whose kurtosis is measured.
        least: images that each class must have.
        device: torch device of the training.
        report: wraps the sizes, for a progress display.

    Returns:
        Dataset with `error` and `loss_value` (row, train, test, repeat), a row for each size, and for each class
        `kurtosis` (mean over projections), `norm_mean`, `norm_spread`, `condition` of the covariance (infinite where it
        is singular), `heldout` (variance of held-out images along the smallest eigenvector of the others, over that
        along the largest) and Gram `distance` (pair, class).

    Raises:
        ValueError: classes that are too small for two training sets and a test set.
    """
    classes, largest = check_classes(label, least), max(sizes)
    count = np.bincount(label).min()
    if count < 2 * largest + tests:
        raise ValueError(
            f"sizes: got {largest} training and {tests} test images of {count} of a class, expected two training sets "
            "and a test set to fit"
        )
    directions = unit_vectors(projections, x.shape[1], rng)
    numbers, train, test = [], [[] for _ in SOURCES], [[] for _ in TEST_SOURCES]
    for k in range(classes):
        own = rng.permutation(x[label == k])
        gaussian = match_classes(own, np.zeros(len(own), np.int64), 1)
        numbers.append(class_numbers(own, gaussian, directions, rng))
        drawn = draw_mixture(gaussian, np.zeros(largest + tests, np.int64), rng).astype(np.float32)
        for part, images in zip(train, (own[:largest], drawn[:largest], own[largest : 2 * largest])):
            part.append(images)
        for part, images in zip(test, (own[2 * largest : 2 * largest + tests], drawn[largest:])):
            part.append(images)
    error, loss_value = (np.zeros((len(sizes), len(SOURCES), len(TEST_SOURCES), repeats)) for _ in range(2))
    points = [torch.from_numpy(np.concatenate(part)[None]).to(device) for part in test]
    wanted = torch.arange(classes, device=device).repeat_interleave(tests)[None]
    for i, n in enumerate(report(sizes)):
        target = torch.arange(classes, device=device).repeat_interleave(n)[None]
        for r in range(repeats):
            rows = [rng.permutation(largest)[:n] for _ in range(classes)]
            orders = sgd_orders(1, classes * n, epochs, rng)
            for a, parts in enumerate(train):
                images = torch.from_numpy(np.concatenate([part[chosen] for part, chosen in zip(parts, rows)])[None])
                weights = sgd_classifiers(
                    images.to(device), target, classes,
                    loss=loss, learning_rate=learning_rate, epochs=epochs, batch=batch, orders=orders,
                )  # fmt: skip
                for b, part in enumerate(points):
                    errors, losses = measure_errors(weights, part, wanted)
                    error[i, a, b, r], loss_value[i, a, b, r] = errors[0], losses[0]
    over = ("row", "train", "test", "repeat")
    return xr.Dataset(
        {
            "error": (over, error, {"long_name": "share of wrong labels"}),
            "loss_value": (over, loss_value, {"long_name": "squared test loss"}),
            "distance": (
                ("pair", "class"),
                np.transpose([one.distance for one in numbers]),
                {"long_name": "Gram distance"},
            ),
            **{name: ("class", [getattr(one, name) for one in numbers]) for name in ClassNumbers._fields[:-1]},
        },
        coords={
            "size": ("row", list(sizes)),
            "train": list(SOURCES),
            "test": list(TEST_SOURCES),
            "pair": list(PAIRS),
            "class": np.arange(classes),
        },
    )


def class_numbers(own: np.ndarray, gaussian: ClassGaussians, directions: np.ndarray, rng) -> ClassNumbers:
    """How the images of one class are spread.

    Args:
        own: (n, d), in random order.
        gaussian: their Gaussian, a mixture of one class.
        directions: unit vectors (m, d).
        rng: source of the Gaussian's draws.
    """
    norms, values = np.linalg.norm(own, axis=1), np.linalg.eigvalsh(gaussian.covariance[0])
    rounding = values[-1] * len(values) * np.finfo(float).eps
    singular = len(own) <= len(values) or values[0] <= rounding
    half = min(2 * own.shape[1], len(own) // 2)
    drawn = draw_mixture(gaussian, np.zeros(half, np.int64), rng)
    return ClassNumbers(
        float(kurtosis(own @ directions.T).mean()),
        float(norms.mean()),
        float(norms.std() / norms.mean()),
        np.inf if singular else float(values[-1] / values[0]),
        heldout_ratio(own),
        (gram_distance(own[:half], drawn), gram_distance(own[:half], own[half : 2 * half])),
    )


def heldout_ratio(x: np.ndarray) -> float:
    """Variance of half of the images along the smallest eigenvector of the other half, over that along the largest."""
    first, rest = np.array_split(np.asarray(x, float), 2)
    _, vectors = np.linalg.eigh(np.cov(first, rowvar=False))
    small, large = ((rest - rest.mean(axis=0)) @ vectors[:, [0, -1]]).var(axis=0)
    return float(small / large)
