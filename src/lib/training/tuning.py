"""A learning rate is chosen on a seed of its own, then all seeds train with it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import nn

from lib.training.state import Part, results_so_far

if TYPE_CHECKING:
    from lib.atlas.job.checkpoint import Checkpoint

EXTRA = 1000  # the seed that learning rates are chosen on


class Tuned(NamedTuple):
    """A trained stack, its losses `(steps, models)`, the score of each rate (NaN where there was one), and the best."""

    model: nn.Module
    trace: np.ndarray
    scores: np.ndarray
    learning_rate: float


def train_at_best_rate(
    train: Callable[[list[int], Sequence[float] | float, str, "Part | None"], tuple[nn.Module, np.ndarray]],
    score: Callable[[nn.Module, list[int]], np.ndarray],
    learning_rates: list[float],
    seeds: list[int],
    checkpoint: "Checkpoint | None" = None,
) -> Tuned:
    """Train one model of the seed `EXTRA` for each rate, then all seeds with the rate whose model has the best score.

    Args:
        train: takes seeds, one learning rate or one for each, a label of the steps and a checkpoint; returns the stack
            of models and its losses.
        score: takes the stack and its seeds, returns a number for each model, the larger the better.
        learning_rates: to choose from; a single one is taken without a choice.
        seeds: of the models.
        checkpoint: where the state of either training is saved.
    """
    results = results_so_far(checkpoint)
    if len(learning_rates) > 1 and "tuning" not in results:
        extra = [EXTRA] * len(learning_rates)
        part = Part(checkpoint, "tuning", dict(results)) if checkpoint else None
        model, _ = train(extra, learning_rates, "steps of the choice of a learning rate", part)
        results["tuning"] = score(model, extra)
    scores = results.get("tuning", np.full(len(learning_rates), np.nan))
    best = learning_rates[int(np.nan_to_num(scores, nan=-np.inf).argmax())]
    part = Part(checkpoint, "training", results) if checkpoint else None
    return Tuned(*train(seeds, best, "steps", part), scores, best)
