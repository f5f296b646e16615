"""Accuracy of stacked models on formal tasks and on associative recall, on fresh sequences."""

from collections.abc import Iterator

import numpy as np
import torch

from lib.language.formal_tasks import Task, scaled_accuracy
from lib.language.recall import mqar
from lib.training.stacked import stack_batches

BATCH = 32  # sequences that go through a model at once


def _hits(model, draw, first: int, sequences: int, rngs: list, device: str) -> Iterator[torch.Tensor]:
    """Whether each model is right, `(models, BATCH, positions)`, from position `first` on, batch by batch."""
    with torch.no_grad():
        for _ in range(0, sequences, BATCH):
            tokens, targets = stack_batches([draw(BATCH, rng) for rng in rngs], device)
            yield model(tokens)[:, :, first:].argmax(-1) == targets[:, :, first:]


def tracking_accuracy(
    model, task: Task, length: int, sequences: int, rngs: list[np.random.Generator], device: str = "cpu"
) -> np.ndarray:
    """Scaled accuracy of each model at a length, `(models,)`: 0 is chance.

    Args:
        model: a stack, tokens `(models, batch, T)` to logits.
        task: dense ones count the second half of the positions, the others the answer.
        length: of the sequences.
        sequences: for each model, a multiple of 32.
        rngs: one generator for each model.
        device: torch device.
    """
    first = 1 + length // 2 if task.dense else -1
    hits = list(_hits(model, lambda n, rng: task.draw(n, length, rng), first, sequences, rngs, device))
    right = sum(batch.sum((1, 2)).cpu().numpy() for batch in hits)
    return scaled_accuracy(right / sum(batch[0].numel() for batch in hits), task.chance)


def recall_accuracy(
    model, pairs: int, n_keys: int, sequences: int, rngs: list[np.random.Generator], device: str = "cpu"
) -> np.ndarray:
    """Share of queries that each model answers rightly, `(models,)`.

    Args:
        model: a stack, tokens `(models, batch, T)` to logits.
        pairs, n_keys: as in `mqar`.
        sequences: for each model, a multiple of 32.
        rngs: one generator for each model.
        device: torch device.
    """
    hits = list(_hits(model, lambda n, rng: mqar(n, pairs, n_keys, rng), 2 * pairs, sequences, rngs, device))
    return sum(batch.float().mean((1, 2)).double().cpu().numpy() for batch in hits) / len(hits)
