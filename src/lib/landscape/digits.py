"""The handwritten digits that ship with scikit-learn, centred, with uniform labels in place of some."""

from typing import NamedTuple

import numpy as np
import torch

SPLIT_SEED = 0


class Digits(NamedTuple):
    """Images `(samples, 64)` float32 and classes `(samples,)`, to train on and to test on."""

    inputs: torch.Tensor
    labels: torch.Tensor
    test_inputs: torch.Tensor
    test_labels: torch.Tensor


def centred_digits(train: int = 1400) -> Digits:
    """The digits less the mean of each pixel, times 2/16; not divided by deviations, some of which are nearly 0.

    Args:
        train: images to train on, of 1797 in a fixed random order.
    """
    from sklearn import datasets

    pixels, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(pixels))
    inputs = torch.from_numpy(((pixels - pixels.mean(axis=0)) * 2 / 16)[order]).float()
    targets = torch.from_numpy(labels[order])
    return Digits(inputs[:train], targets[:train], inputs[train:], targets[train:])


def uniform_labels(labels: torch.Tensor, share: float, rng: np.random.Generator, classes: int = 10) -> torch.Tensor:
    """Labels of which a share, rounded down and chosen at random, is drawn anew from all classes, `(samples,)`."""
    noisy = labels.clone()
    chosen = rng.permutation(len(labels))[: int(share * len(labels))]
    noisy[chosen] = torch.from_numpy(rng.integers(0, classes, len(chosen)))
    return noisy
