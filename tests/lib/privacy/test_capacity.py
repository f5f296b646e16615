"""Capacity: bisection, the prediction of the sign attack, and the cost of splitting."""

import numpy as np
import pytest

from lib.privacy.analysts import SignAttack, sign_attack_limit
from lib.privacy.capacity import (
    geometric_grid,
    last_success,
    tolerated_queries,
    tolerated_queries_known_in_advance,
)
from lib.privacy.queries import Gaussian, Naive, SampleSplit


def test_grid_grows_by_its_ratio_and_reaches_the_end():
    assert geometric_grid(4, 9, 1.15) == [4, 5, 6, 7, 8, 9]
    grid = np.array(geometric_grid(4, 10000, 1.3))
    assert grid[-2] < 10000 <= grid[-1]
    np.testing.assert_allclose(grid[10:] / grid[9:-1], 1.3, rtol=0.02)
    with pytest.raises(ValueError, match="first, growth: got 4 and 1"):
        geometric_grid(4, 10, 1)


def test_a_crossing_is_found_by_bisection():
    assert last_success([4, 5, 6, 7], [True, True, False]) == 5
    assert last_success([4, 5], [False]) == 0
    assert last_success([4, 5, 6], [True] * 3) == 6


def attack(n, seed, sigma):
    oracles = {"naive": Naive(np.arange(n), n)}
    oracles["gaussian"] = Gaussian(np.arange(n), n, sigma, np.random.default_rng([seed, 1]))
    return SignAttack(n, oracles, np.random.default_rng(seed))


def test_empirical_means_tolerate_what_the_normal_approximation_predicts():
    n, tau = 1000, 0.15
    attacks = [attack(n, seed, 0.25 * tau) for seed in range(8)]
    tolerated, censored = tolerated_queries(attacks, geometric_grid(4, n, 1.15), tau, 0.5)
    assert tolerated["naive"] == pytest.approx(sign_attack_limit(n, tau), rel=0.3)
    # noise of this size multiplies the limit by 1 + 4 n sigma^2 = 6.6, beyond the end of the grid
    assert censored == {"naive": False, "gaussian": True}
    assert tolerated["gaussian"] > 3 * tolerated["naive"]


def test_a_search_over_one_transcript_agrees_with_one_attack_for_each_number_of_queries():
    n, tau, grid = 300, 0.2, geometric_grid(4, 300, 1.3)
    shared, _ = tolerated_queries([attack(n, seed, 0.02) for seed in range(4)], grid, tau, 0.75)

    def alone(m, run):
        one = attack(n, run, 0.02)
        one.drop("gaussian")
        return one

    assert shared["naive"] == tolerated_queries_known_in_advance(alone, grid, tau, 0.75, 4)


def test_splitting_fails_once_a_block_is_too_small():
    n, tau = 400, 0.1

    def split(m, run):
        return SignAttack(n, {"split": SampleSplit(np.arange(n), n, m)}, np.random.default_rng([m, run]))

    grid = geometric_grid(2, n, 1.3)
    tolerated = tolerated_queries_known_in_advance(split, grid, tau, 0.75, 8)
    # m blocks of n / m fair bits each deviate by about sqrt(m log m / 2n)
    assert 2 <= tolerated < 2 * n * tau**2 * 4
