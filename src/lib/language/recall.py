"""Multi-query associative recall: pairs of keys and values, then the keys again (Arora et al. 2023, "Zoology")."""

import numpy as np

from lib.language.formal_tasks import IGNORE


def mqar(
    n: int, pairs: int, n_keys: int, rng: np.random.Generator, gaps: tuple[int, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sequences `k_1 v_1 .. k_P v_P` followed by the keys in random order.

    Args:
        n: sequences.
        pairs: number P of pairs.
        n_keys: number K of keys and of values; keys are tokens 0 .. K-1, values K .. 2K-1.
        rng: source of randomness.
        gaps: `(length, a)`: instead of following at once, query i comes at a slot g after the pairs drawn without
            replacement from p(g) ~ g^(a-1), and the sequence has `length` tokens, fillers being random values.

    Returns:
        tokens and targets, `[n, T]` int64, T = 3 P or `length`; the target at a query is the value of its key,
        `IGNORE` elsewhere. Keys of a sequence differ, values may repeat.

    Raises:
        ValueError: more pairs than keys, or a length that cannot hold the queries.
    """
    if not 1 <= pairs <= n_keys:
        raise ValueError(f"pairs: got {pairs}, expected 1 to the {n_keys} keys")
    keys = rng.permuted(np.tile(np.arange(n_keys), (n, 1)), axis=1)[:, :pairs]
    values = n_keys + rng.integers(0, n_keys, (n, pairs))
    order = rng.permuted(np.tile(np.arange(pairs), (n, 1)), axis=1)
    context = np.stack([keys, values], 2).reshape(n, 2 * pairs)
    if gaps is None:
        slots, room = np.tile(np.arange(pairs), (n, 1)), pairs
    else:
        length, power = gaps
        room = length - 2 * pairs
        if room < pairs:
            raise ValueError(f"gaps: got a length of {length}, expected at least {3 * pairs} for {pairs} pairs")
        weight = np.arange(1, room + 1) ** (power - 1.0)
        slots = np.stack([rng.choice(room, pairs, replace=False, p=weight / weight.sum()) for _ in range(n)])
    tail = n_keys + rng.integers(0, n_keys, (n, room))
    answer = np.full((n, room), IGNORE)
    row = np.arange(n)[:, None]
    tail[row, slots] = keys[row, order]
    answer[row, slots] = values[row, order]
    return np.concatenate([context, tail], 1), np.concatenate([np.full_like(context, IGNORE), answer], 1)
