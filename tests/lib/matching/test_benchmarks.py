"""Benchmarks against enumeration, closed forms and each other."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from lib.matching.benchmarks import (
    adaptive_optimum,
    configuration_program,
    matching_program,
    path_program,
    stochastic_configuration_program,
)
from lib.matching.classes import (
    _columns,
    _price,
    classes_of,
    matching_lp,
    nested_classes,
    nested_matching,
    nested_value,
    stochastic_configuration_lp,
)
from lib.matching.instances import random_nested
from lib.matching.linear import certify, solve_certified, solve_lp


def _best_of_all_policies(p):
    """Adaptive optimum by enumeration of every decision rule: state = (arrival, free vertices), no dynamic program."""
    n, arrivals = p.shape
    states = [(v, free) for v in range(arrivals) for free in product((0, 1), repeat=n)]
    choices = [[None, *(u for u in range(n) if free[u] and p[u, v] > 0)] for v, free in states]
    best = 0.0
    for rule in product(*choices):
        act = dict(zip(states, rule))
        law, value = {(1,) * n: 1.0}, 0.0
        for v in range(arrivals):
            after = {}
            for free, chance in law.items():
                u = act[v, free]
                if u is None:
                    after[free] = after.get(free, 0) + chance
                    continue
                gone = tuple(0 if w == u else x for w, x in enumerate(free))
                value += chance * p[u, v]
                after[gone] = after.get(gone, 0) + chance * p[u, v]
                after[free] = after.get(free, 0) + chance * (1 - p[u, v])
            law = after
        best = max(best, value)
    return best


def test_adaptive_optimum_is_the_best_of_all_policies():
    p = np.array([[0.3, 0.8], [0.5, 0.25]])
    assert float(adaptive_optimum(p)) == pytest.approx(_best_of_all_policies(p), abs=1e-12)


def test_certain_success_is_matching():
    for n, arrivals in ((2, 3), (3, 2)):
        assert adaptive_optimum(np.ones((n, arrivals))) == min(n, arrivals)


def test_the_chain_and_its_exception():
    """The configuration program is no upper bound where probabilities do not vanish."""
    rng, below = np.random.default_rng(0), 0
    for _ in range(12):
        p = [[Fraction(int(x), 20) for x in row] for row in rng.integers(1, 20, (2, 3))]
        optimum = adaptive_optimum(p)
        path, stochastic, matching, plain = (
            solve_certified(build(p))
            for build in (path_program, stochastic_configuration_program, matching_program, configuration_program)
        )
        assert optimum <= path.upper + Fraction(1, 10**9)
        assert path.lower <= stochastic.upper
        assert stochastic.lower <= matching.upper
        assert plain.lower <= matching.upper
        for bounds in (path, stochastic, matching, plain):
            assert 0 <= bounds.upper - bounds.lower < 1e-9
        below += plain.upper < optimum
    assert below > 0


def test_a_false_certificate_is_a_weaker_bound_and_no_wrong_one():
    program = stochastic_configuration_program([[0.5, 0.3], [0.4, 0.7]])
    value, x, duals = solve_lp(*program.arrays())
    for wrong in (certify(program, 2 * x, duals), certify(program, x, 0 * duals), certify(program, x, duals[::-1])):
        assert wrong.lower <= Fraction(value) + Fraction(1, 10**9)
        assert wrong.upper >= Fraction(value) - Fraction(1, 10**9)


def test_column_generation_is_the_whole_program():
    rng = np.random.default_rng(1)
    for _ in range(5):
        p = np.where(rng.random((3, 7)) < 0.7, rng.uniform(0, 1, (3, 7)), 0.0)
        p[0, 0] = 1.0  # certain success
        whole = solve_lp(*stochastic_configuration_program(p).arrays()).value
        enclosure = stochastic_configuration_lp(classes_of(p, np.ones(7), eps=1.0))
        assert enclosure.lower == pytest.approx(whole, abs=1e-7)
        assert enclosure.upper == pytest.approx(whole, abs=1e-7)


def test_prices_are_feasible_for_every_set():
    rng = np.random.default_rng(2)
    classes = classes_of(rng.uniform(0.2, 1, (2, 6)), rng.uniform(0.5, 2, 6))
    prices = stochastic_configuration_lp(classes).prices
    reduced, chosen = _price(classes, prices)
    masks = np.arange(64)[:, None] >> np.arange(6) & 1 == 1
    for u in range(2):
        gain, use = _columns(classes, masks, [u] * 64)
        assert np.max(gain - use @ prices) == pytest.approx(reduced[u], abs=1e-12)
        gain, use = _columns(classes, chosen[[u]], [u])
        assert (gain - use @ prices)[0] == pytest.approx(reduced[u], abs=1e-12)


def test_splitting_classes_tightens_their_program():
    """Rows of classes relax those of single vertices, by little; single vertices are the whole program."""
    p, eps = np.array([[0.9, 0.4], [0.3, 0.8]]), 0.25
    split = [
        stochastic_configuration_lp(classes_of(np.repeat(p, k, axis=1), np.full(2 * k, 1 / k), eps)).upper
        for k in (1, 2, 4)
    ]
    assert 1.03 * split[2] > split[0] > split[1] + 0.01
    assert split[1] >= split[2] - 1e-9  # equal here
    whole = solve_lp(*stochastic_configuration_program(np.repeat(eps * p, 4, axis=1)).arrays()).value
    assert split[2] == pytest.approx(whole, abs=1e-7)


def test_one_offline_vertex():
    one = classes_of([[1.0]], [0.7])
    assert stochastic_configuration_lp(one).upper == pytest.approx(-np.expm1(-0.7), abs=1e-9)
    assert nested_value([1], [0.7]) == pytest.approx(-np.expm1(-0.7), abs=1e-12)
    assert matching_lp(one) == pytest.approx(0.7)
    assert nested_matching([1], [1.7]) == 1


def test_nested_families_in_closed_form():
    rng = np.random.default_rng(3)
    for _ in range(10):
        sizes, masses = random_nested(6, rng)
        classes = nested_classes(sizes, masses)
        assert nested_matching(sizes, masses) == pytest.approx(matching_lp(classes), abs=1e-9)
        copies = classes.copies.astype(int)
        unfolded = classes_of(np.repeat(classes.rates, copies, axis=0), masses)
        merged = stochastic_configuration_lp(classes).upper
        assert merged == pytest.approx(stochastic_configuration_lp(unfolded).upper, abs=1e-7)
        assert nested_value(sizes, masses) <= merged <= nested_matching(sizes, masses) + 1e-9


def test_published_values_of_the_triangular_instance():
    ratios = [nested_value(np.arange(n, 0, -1), np.ones(n)) / n for n in (1, 2, 3)]
    # n = 2: the first class misses both with probability e^-1, and so on by hand
    e = np.exp(-1)
    law = {2: e, 1: e, 0: 1 - 2 * e}
    first = law[1] + 2 * law[0]
    second = (law[2] + law[1] / 2) * (1 - e)
    np.testing.assert_allclose(ratios[:2], [1 - e, (first + second) / 2], atol=1e-12)
    assert ratios[2] == pytest.approx(0.621, abs=5e-4)


@pytest.mark.parametrize("p", [[[1.2]], [[-0.1]], [[np.nan]], [[]], [0.5]])
def test_wrong_probabilities_are_refused(p):
    with pytest.raises(ValueError, match="probabilities"):
        stochastic_configuration_program(p)


def test_too_many_neighbours_are_refused():
    with pytest.raises(ValueError, match="13 neighbours"):
        configuration_program([[0.5] * 13])
    with pytest.raises(ValueError, match="sizes"):
        nested_classes([2, 2], [1.0, 1.0])
    with pytest.raises(ValueError, match="masses"):
        classes_of([[1.0]], [0.0])
