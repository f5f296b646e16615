"""Gaussian universality of linear classifiers: trained on samples, and on a Gaussian mixture of the same moments.

Both arms have the same labels, order, learning rate and number of epochs. The moments come from the whole pool, not
from the training samples, so that the arms share no noise. A third arm, other samples of the pool, shows what two
samples of one source differ by.
"""

from typing import NamedTuple

import numpy as np
import torch

from lib.probing.sgd import measure_errors, sgd_classifiers, sgd_orders
from lib.stats.matched import ClassGaussians, draw_mixture, match_classes

SOURCES = ("samples", "mixture", "other samples")
TEST_SOURCES = ("samples", "mixture")


class Pool:
    """Labelled samples and the Gaussians of their classes.

    Args:
        x: (N, d).
        label: (N,) integers from 0.
    """

    def __init__(self, x, label):
        self.x, self.label = np.asarray(x, np.float32), np.asarray(label, np.int64)
        self.gaussians: ClassGaussians = match_classes(self.x, self.label, int(self.label.max()) + 1)

    def only(self, classes: list[int]) -> "Pool":
        """The samples of some classes, numbered in that order."""
        rows = np.flatnonzero(np.isin(self.label, classes))
        return Pool(self.x[rows], np.array([classes.index(k) for k in self.label[rows]]))


class Comparison(NamedTuple):
    """Errors and squared losses (train source, test source, repeat), and the number of test points of each repeat."""

    error: np.ndarray
    loss: np.ndarray
    tests: int


def compare_classifiers(
    pool: Pool,
    n: int,
    *,
    loss: str,
    learning_rate: float,
    epochs: int,
    batch: int,
    repeats: int,
    tests: int,
    rng: np.random.Generator,
    halves: bool = False,
    device: torch.device | str = "cpu",
) -> Comparison:
    """Train and test linear classifiers on samples, on the matched mixture and on other samples.

    Args:
        pool: the samples; training and test samples of a repeat are disjoint.
        n: training samples.
        loss, learning_rate, epochs, batch: see `lib.probing.sgd.sgd_classifiers`.
        repeats: random splits and orders, all trained as one.
        tests: test points of each source; fewer where the pool has no more.
        rng: source of splits, draws and orders.
        halves: put the first half of the classes against the others; the mixture keeps a Gaussian for each class.
        device: torch device.

    Raises:
        ValueError: a pool that is too small for two training sets and a test point.
    """
    if len(pool.x) <= 2 * n:
        raise ValueError(f"n: got {n} training samples of {len(pool.x)}, expected fewer than half of them")
    classes = len(pool.gaussians.mean)
    tests = min(tests, len(pool.x) - 2 * n)
    order = np.stack([rng.permutation(len(pool.x))[: 2 * n + tests] for _ in range(repeats)])
    first, second, rest = np.split(order, [n, 2 * n], axis=1)

    def of_mixture(label: np.ndarray) -> np.ndarray:
        return draw_mixture(pool.gaussians, label.ravel(), rng).reshape(*label.shape, -1).astype(np.float32)

    def target(label: np.ndarray) -> torch.Tensor:
        return torch.from_numpy((label >= classes // 2).astype(np.int64) if halves else label).to(device)

    labels = pool.label[first], pool.label[second], pool.label[rest]
    x = torch.from_numpy(np.concatenate([pool.x[first], of_mixture(labels[0]), pool.x[second]])).to(device)
    weights = sgd_classifiers(
        x,
        torch.cat([target(labels[0]), target(labels[0]), target(labels[1])]),
        2 if halves else classes,
        loss=loss,
        learning_rate=learning_rate,
        epochs=epochs,
        batch=batch,
        orders=np.tile(sgd_orders(repeats, n, epochs, rng), (1, len(SOURCES), 1)),
    )
    results = np.zeros((2, len(SOURCES), len(TEST_SOURCES), repeats))
    wanted = target(labels[2])
    for b, points in enumerate((pool.x[rest], of_mixture(labels[2]))):
        points = torch.from_numpy(points).to(device)
        for a, part in enumerate(weights.split(repeats)):
            results[:, a, b] = measure_errors(part, points, wanted)
    return Comparison(*results, tests)


def spiked_classes(n: int, rng: np.random.Generator, dim: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Two classes whose covariances say little: x_0 = -0.5 or 0.5 plus small noise, one time in ten also -5 or 5.

    Args:
        n: number of samples.
        rng: source of randomness.
        dim: features; all but the first are noise of deviation 0.05.

    Returns:
        Samples (n, dim) and labels (n,).
    """
    label = np.arange(n) % 2
    x = 0.05 * rng.standard_normal((n, dim))
    x[:, 0] = label - 0.5 + 0.1 * rng.standard_normal(n) + 5 * rng.choice([-1, 1], n) * (rng.random(n) < 0.1)
    return x, label
