"""The language model that knows frequencies alone: what every other one must beat."""

import numpy as np


def unigram_loss(training: np.ndarray, held_out: np.ndarray, vocabulary: int, smoothing: float = 1.0) -> float:
    """Mean negative log-probability of tokens under the smoothed frequencies of others, in nats.

    Args:
        training: tokens that are counted, any shape.
        held_out: tokens that are predicted, any shape.
        vocabulary: number of tokens.
        smoothing: added to each count.

    Raises:
        ValueError: nothing to predict, or a smoothing that is not positive.
    """
    if not np.size(held_out) or not smoothing > 0:
        raise ValueError(f"held_out, smoothing: got {np.size(held_out)} tokens and {smoothing}, expected more than 0")
    counts = np.bincount(np.ravel(training), minlength=vocabulary) + smoothing
    return float(-np.log(counts / counts.sum())[np.ravel(held_out)].mean())
