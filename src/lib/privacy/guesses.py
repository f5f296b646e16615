"""An analyst who guesses answers: a stream of guesses, some of them wrong, put to a check."""

from typing import NamedTuple

import numpy as np

from lib.privacy.analysts import random_bits
from lib.privacy.queries import SparseVectorCheck


class GuessOutcome(NamedTuple):
    """Counts of a stream: wrong guesses examined, of these without alarm, alarms at good guesses, guesses examined."""

    wrong: int
    missed: int
    false_alarms: int
    examined: int


def check_guesses(
    check: SparseVectorCheck,
    distribution: np.ndarray,
    *,
    guesses: int,
    wrong: int,
    tolerance: float,
    rng: np.random.Generator,
    chunk: int = 1024,
) -> GuessOutcome:
    """Put guessed answers to random subset queries to a check, until it has no alarms left.

    A wrong guess is off by twice the tolerance to either side, any other by at most a quarter of it.

    Args:
        check: the check of the stream, on a sample from `distribution`.
        distribution: (U,) probabilities, from which true answers follow.
        guesses: length of the stream.
        wrong: number of wrong guesses, at random places.
        tolerance: tau.
        rng: source of places, subsets and offsets.
        chunk: guesses in one batch.

    Raises:
        ValueError: more wrong guesses than guesses.
    """
    if not 0 <= wrong <= guesses:
        raise ValueError(f"wrong: got {wrong}, expected 0 to {guesses}, the number of guesses")
    bad = np.zeros(guesses, bool)
    bad[rng.choice(guesses, wrong, replace=False)] = True
    alarm = np.zeros(guesses, bool)
    examined = 0
    for first in range(0, guesses, chunk):
        stop = min(first + chunk, guesses)
        subsets = random_bits(stop - first, len(distribution), rng).astype(np.float32)
        offset = np.where(bad[first:stop], 2 * tolerance, tolerance / 4 * rng.uniform(-1, 1, stop - first))
        side = np.where(bad[first:stop], rng.integers(0, 2, stop - first) * 2 - 1, 1)
        stated = subsets.astype(float) @ distribution + side * offset
        start = 0
        while start < stop - first and not check.exhausted:
            place = check.first_alarm(subsets[start:], stated[start:])
            start = stop - first if place is None else start + place + 1
            if place is not None:
                alarm[first + start - 1] = True
        examined = first + start
        if check.exhausted:
            break
    wrong_examined = bad[:examined]
    return GuessOutcome(
        wrong=int(wrong_examined.sum()),
        missed=int((wrong_examined & ~alarm[:examined]).sum()),
        false_alarms=int((alarm & ~bad).sum()),
        examined=examined,
    )
