"""Random generators named by what they are for, never by the clock or by the order of calls."""

import hashlib
import json

import numpy as np


def seed_sequence(root_seed: int, *key) -> np.random.SeedSequence:
    """A seed sequence that depends on the whole key.

    Args:
        root_seed: the seed of the configuration.
        key: strings, numbers, or dictionaries and lists of them.
    """
    text = json.dumps([root_seed, *key], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.SeedSequence([int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4)])


def generator(root_seed: int, *key) -> np.random.Generator:
    """An independent stream for each key: `generator(seed, "teacher", 3)` is the same in every process.

    Args:
        root_seed: the seed of the configuration.
        key: strings, numbers, or dictionaries and lists of them.

    Returns:
        A `numpy.random.Generator` (PCG64).
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(root_seed, *key)))
