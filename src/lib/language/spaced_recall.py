"""Associative recall with a gap: pairs of keys and values, fillers, then the keys again."""

import numpy as np

from lib.language.formal_tasks import IGNORE
from lib.language.recall import mqar


def spaced_recall(n: int, pairs: int, n_keys: int, gap: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sequences `k_1 v_1 .. k_P v_P`, fillers of one token, then the keys in random order.

    Args:
        n: sequences.
        pairs: number P of pairs.
        n_keys: number K of keys and of values; keys are tokens 0 .. K-1, values K .. 2K-1, the filler is 2K.
        gap: number of fillers.
        rng: source of randomness.

    Returns:
        tokens and targets, `[n, 3 P + gap]` int64; the target at a query is the value of its key, `IGNORE` elsewhere.

    Raises:
        ValueError: more pairs than keys, or a negative gap.
    """
    if gap < 0:
        raise ValueError(f"gap: got {gap}, expected at least 0")
    tokens, targets = mqar(n, pairs, n_keys, rng)
    place = np.full(gap, 2 * pairs)
    return np.insert(tokens, place, 2 * n_keys, axis=1), np.insert(targets, place, IGNORE, axis=1)


def query_distances(tokens: np.ndarray, pairs: int) -> np.ndarray:
    """Tokens from each query back to the value of its key, `(n, P)`, in sequences of `spaced_recall`."""
    keys, queries = tokens[:, 0 : 2 * pairs : 2], tokens[:, -pairs:]
    place = 2 * (queries[:, :, None] == keys[:, None, :]).argmax(-1) + 1
    return np.arange(tokens.shape[1] - pairs, tokens.shape[1]) - place
