"""Streams of guesses against a loop without noise, and the loss of power with few samples."""

import numpy as np
import pytest

from lib.privacy.analysts import random_bits
from lib.privacy.guesses import check_guesses
from lib.privacy.queries import SparseVectorCheck

U, TAU = 64, 0.15


def outcome(n, guesses, wrong, epsilon, seed, chunk=1024):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(U))
    sample = rng.choice(U, n, p=p)
    check = SparseVectorCheck(
        sample, U, tolerance=TAU, alarms=wrong, epsilon=epsilon, rng=np.random.default_rng([seed, 1])
    )
    return check_guesses(check, p, guesses=guesses, wrong=wrong, tolerance=TAU, rng=rng, chunk=chunk), p, sample


@pytest.mark.parametrize("seed", range(4))
def test_without_noise_alarms_are_the_guesses_far_from_the_sample(seed):
    """The guesses drawn again from the same stream, and compared with the holdout one after the other."""
    n, guesses, wrong = 60, 200, 6
    result, p, sample = outcome(n, guesses, wrong, 1e9, seed)
    rng = np.random.default_rng(seed)
    rng.dirichlet(np.ones(U))
    rng.choice(U, n, p=p)
    bad = np.isin(np.arange(guesses), rng.choice(guesses, wrong, replace=False))
    subsets = random_bits(guesses, U, rng)
    offset = np.where(bad, 2 * TAU, TAU / 4 * rng.uniform(-1, 1, guesses))
    offset *= np.where(bad, rng.integers(0, 2, guesses) * 2 - 1, 1)
    counts, examined = dict.fromkeys(("missed", "false"), 0), 0
    alarms = 0
    for subset, error, is_bad in zip(subsets, offset, bad):
        if alarms == wrong:
            break
        examined += 1
        alarm = abs(subset[sample].mean() - (subset @ p + error)) > 0.75 * TAU
        alarms += alarm
        counts["missed"] += is_bad and not alarm
        counts["false"] += alarm and not is_bad
    assert result == (bad[:examined].sum(), counts["missed"], counts["false"], examined)


def test_enough_samples_catch_every_wrong_guess_and_few_run_out_of_alarms():
    many = outcome(20000, 2000, 5, 0.5, 0)[0]
    assert (many.wrong, many.missed) == (5, 0)
    assert many.false_alarms <= 1
    few = outcome(200, 2000, 5, 0.5, 0)[0]
    assert few.examined < many.examined


def test_more_wrong_guesses_than_guesses_are_refused():
    with pytest.raises(ValueError, match="wrong: got 11, expected 0 to 10"):
        outcome(100, 10, 11, 1.0, 0)
