"""Linear classifiers by plain stochastic gradient descent, many repeats as one, on the CPU or a GPU."""

from math import cos, pi

import numpy as np
import torch

LOSSES = ("softmax", "squared")


def sgd_classifiers(
    x: torch.Tensor,
    label: torch.Tensor,
    classes: int,
    *,
    loss: str,
    learning_rate: float,
    epochs: int,
    batch: int,
    orders: np.ndarray,
) -> torch.Tensor:
    """Weights of linear classifiers from zero, without momentum, decay or selection; the last epoch counts.

    `softmax`: cross-entropy, a bias, a constant learning rate. `squared`: |W x - e_y|^2 / K on one-hot targets, no
    bias, a learning rate that falls as (1 + cos) / 2 over the updates.

    Args:
        x: (R, n, d) training samples of each repeat.
        label: (R, n) integers.
        classes: number K of classes.
        loss: `softmax` or `squared`.
        learning_rate, epochs, batch: of the descent; the last batch of an epoch may be smaller.
        orders: of the samples in each epoch, (epochs, R, n) integers.

    Returns:
        Weights (R, K, d), with the bias as a last column for `softmax`.

    Raises:
        ValueError: another loss.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss: got {loss!r}, expected softmax or squared")
    repeats, n, _ = x.shape
    x = with_bias(x) if loss == "softmax" else x
    weights = x.new_zeros(repeats, classes, x.shape[-1])
    target = torch.nn.functional.one_hot(label, classes).to(x)
    updates, done = epochs * -(-n // batch), 0
    each = torch.arange(repeats, device=x.device)[:, None]
    for epoch in range(epochs):
        order = torch.from_numpy(orders[epoch]).long().to(x.device)
        shuffled, targets = x[each, order], target[each, order]
        for part, wanted in zip(shuffled.split(batch, 1), targets.split(batch, 1)):
            score = part @ weights.mT
            if loss == "softmax":
                size, error = learning_rate, score.softmax(-1) - wanted
            else:
                size, error = learning_rate * (1 + cos(pi * done / updates)) / 2, 2 / classes * (score - wanted)
            weights.baddbmm_(error.mT, part, alpha=-size / part.shape[1])
            done += 1
    return weights


def with_bias(x: torch.Tensor) -> torch.Tensor:
    """Samples with a last feature of one."""
    return torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1)


def measure_errors(weights: torch.Tensor, x: torch.Tensor, label: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Share of wrong labels, and squared loss |W x - e_y|^2 / K, of each repeat.

    Args:
        weights: (R, K, d), or (R, K, d + 1) with a bias.
        x: (R, n, d).
        label: (R, n).

    Returns:
        Errors and losses, each (R,).
    """
    x = with_bias(x) if weights.shape[-1] == x.shape[-1] + 1 else x
    score = x @ weights.mT
    target = torch.nn.functional.one_hot(label, weights.shape[1]).to(score)
    error = (score.argmax(-1) != label).double().mean(1)
    return error.cpu().numpy(), (score - target).square().mean((1, 2)).double().cpu().numpy()


def sgd_orders(repeats: int, n: int, epochs: int, rng: np.random.Generator) -> np.ndarray:
    """Random orders of n samples in every epoch, (epochs, repeats, n)."""
    return rng.permuted(np.tile(np.arange(n, dtype=np.int32), (epochs, repeats, 1)), axis=2)
