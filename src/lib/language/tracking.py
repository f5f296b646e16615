"""What a model that tracks a state has learned: how far it generalises in length, and how exact its rotation is."""

import numpy as np


def half_turn_error(turn: np.ndarray, one: int = 1, zero: int = 0) -> np.ndarray:
    """How far a layer's best rotation is from the half turn that parity needs, `(models,)`.

    The least distance from pi, over heads and pairs, of the rotation by a 1-bit minus that by a 0-bit.

    Args:
        turn: rotation by each token in radians, `(models, token, head, pair)`.
        one, zero: tokens of the bits.
    """
    difference = turn[:, one] - turn[:, zero]
    distance = np.abs(np.mod(difference, 2 * np.pi) - np.pi)
    return distance.reshape(len(turn), -1).min(1)


def solved_length(accuracy: np.ndarray, lengths: np.ndarray, level: float = 0.9) -> np.ndarray:
    """Longest length up to which a model solves a task, `(models,)`; NaN where it fails at the first.

    Args:
        accuracy: scaled accuracy `(models, lengths)`.
        lengths: in rising order.
        level: accuracy from which a length counts as solved.
    """
    solved = np.cumprod(accuracy >= level, axis=1).sum(1)
    return np.where(solved > 0, np.asarray(lengths)[np.maximum(solved - 1, 0)], np.nan)
