import itertools

import numpy as np
import pytest

from lib.bandits.designs import g_optimal_design
from lib.bandits.elimination import design_and_fit
from lib.bandits.hard import (
    decoy,
    evaluate_polynomials,
    first_hits,
    indicator_actions,
    is_permutation,
    largest_product,
    pack,
    polynomial_code,
)
from lib.bandits.rewards import Rewards


@pytest.mark.parametrize(("s", "tau", "tries"), [(8, 0.5, 3000), (60, 0.2, 2500)])
def test_packings_keep_their_distance_and_are_maximal_among_their_candidates(s, tau, tries):
    packing = pack(s, tau, tries, np.random.default_rng(0))
    gram = packing.signs.astype(int) @ packing.signs.T.astype(int)
    np.fill_diagonal(gram, 0)
    assert np.abs(gram).max() == packing.largest <= tau * s
    assert largest_product(packing.signs) == packing.largest
    np.testing.assert_allclose(np.linalg.norm(packing.vectors, axis=1), 1)


def test_packing_is_the_greedy_one():
    packing = pack(12, 0.4, 300, np.random.default_rng(1), batch=100)
    rng, kept = np.random.default_rng(1), []
    for _ in range(3):
        for candidate in 2 * rng.integers(0, 2, (100, 12), dtype=np.int8) - 1:
            if all(abs(candidate.astype(int) @ other) <= 0.4 * 12 for other in kept):
                kept.append(candidate.astype(int))
    np.testing.assert_array_equal(packing.signs, kept)


@pytest.mark.parametrize(("s", "degree"), [(5, 1), (5, 2), (7, 1)])
def test_polynomials_meet_in_at_most_their_degree(s, degree):
    code = polynomial_code(s, degree)
    assert len(np.unique(code, axis=0)) == s ** (degree + 1)
    overlaps = [(code[i] == code[j]).sum() for i, j in itertools.combinations(range(len(code)), 2)]
    assert max(overlaps) == degree
    actions = indicator_actions(code)
    np.testing.assert_allclose((actions @ actions.T)[0, 1:] * s, [(code[0] == row).sum() for row in code[1:]])


def test_polynomials_need_a_prime():
    np.testing.assert_array_equal(
        evaluate_polynomials([[1, 2, 3]], 5), [[(1 + 2 * x + 3 * x * x) % 5 for x in range(5)]]
    )
    with pytest.raises(ValueError, match="prime"):
        polynomial_code(6, 1)


def test_no_search_that_repeats_nothing_beats_random_order():
    hits = first_hits(lambda query, secret: [query(a) for a in (3, 1, 0, 2)], 4, 1.0)
    np.testing.assert_array_equal(hits, [3, 2, 4, 1])
    assert is_permutation(hits)
    cheat = first_hits(lambda query, secret: query(secret), 4, 1.0)
    assert not is_permutation(cheat)
    stops = first_hits(lambda query, secret: query(0), 4, 1.0)
    np.testing.assert_array_equal(stops, [1, 5, 5, 5])


@pytest.mark.parametrize("d", [4, 16, 64, 256])
def test_least_squares_loses_eps_root_d_on_the_decoy(d):
    instance = decoy(d, 0.05)
    assert np.abs(instance.rewards - instance.actions @ instance.theta).max() <= 0.05 * (1 + 1e-12)
    query = Rewards(instance.rewards)
    design = g_optimal_design(instance.actions)
    np.testing.assert_array_equal(design.support, range(d))
    choice, _ = design_and_fit(instance.actions, design, query)
    assert query.gap(choice.action) / 0.05 == pytest.approx(0.999 * (np.sqrt(d) - 1), abs=1e-9)


def test_decoys_have_parameters_of_norm_one_at_most():
    with pytest.raises(ValueError, match="eps"):
        decoy(1024, 0.05)
