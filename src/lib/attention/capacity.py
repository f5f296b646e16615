"""How many associations memories hold: random keys and values, written once, read by their own keys."""

from typing import NamedTuple

import numpy as np


class Recall(NamedTuple):
    """By repetition: share of values read rightly, and mean squared weight of all other values in a read."""

    accuracy: np.ndarray
    crosstalk: np.ndarray


def simulate_recall(
    pairs: int, d_key: int, d_value: int, memories: int, repetitions: int, rng: np.random.Generator
) -> Recall:
    """Store pairs in memories that a router fills at random by the key, and read each with its key.

    Args:
        pairs: N random unit keys and values.
        d_key, d_value: widths.
        memories: M; every pair lies in one of them.
        repetitions: independent draws.
        rng: source of randomness.

    Returns:
        `(repetitions,)` each. A read is right if the stored value nearest to it in direction is its own.

    Raises:
        ValueError: a number below 1.
    """
    sizes = {"pairs": pairs, "d_key": d_key, "d_value": d_value, "memories": memories, "repetitions": repetitions}
    for name, number in sizes.items():
        if number < 1:
            raise ValueError(f"{name}: got {number}, expected at least 1")
    accuracy, crosstalk = np.empty(repetitions), np.empty(repetitions)
    for i in range(repetitions):
        keys, values = (_unit(rng.standard_normal((pairs, width))) for width in (d_key, d_value))
        place = rng.integers(0, memories, pairs)
        weights = (keys @ keys.T) * (place[:, None] == place)
        reads = weights @ values
        accuracy[i] = ((reads @ values.T).argmax(1) == np.arange(pairs)).mean()
        crosstalk[i] = (np.square(weights).sum() - pairs) / pairs
    return Recall(accuracy, crosstalk)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
