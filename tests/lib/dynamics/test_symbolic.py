"""Symbolic dynamics: shifts of known entropy, periodic and independent codes."""

from itertools import pairwise

import numpy as np
import pytest

from lib.dynamics import symbolic as sy


def _golden(n, seed=0):
    """A typical sequence of the golden mean shift: no two ones in a row, at the measure of largest entropy."""
    rng, phi = np.random.default_rng(seed), (1 + np.sqrt(5)) / 2
    out = np.zeros(n, int)
    for t in range(1, n):
        out[t] = 0 if out[t - 1] else rng.random() < 1 / phi**2
    return out


def test_golden_mean_shift():
    code, phi = _golden(60_000), (1 + np.sqrt(5)) / 2
    np.testing.assert_array_equal(sy.word_counts(code, 8), [2, 3, 5, 8, 13, 21, 34, 55])
    symbols, graph = sy.reduced_graph(code)
    assert sy.graph_entropy(graph) == pytest.approx(np.log(phi), abs=1e-12)
    assert sy.growth_rate(sy.word_counts(code, 12)) == pytest.approx(np.log(phi), abs=1e-3)
    rate = np.diff(sy.block_entropy(code, 6))
    np.testing.assert_allclose(rate, np.log(phi), atol=0.01)
    np.testing.assert_array_equal(sy.word_counts(code, 8, (symbols, graph)), sy.word_counts(code, 8))
    only_zero = sy.word_counts(code, 4, (np.array([0]), np.array([[1]])))
    np.testing.assert_array_equal(only_zero, 1)


def test_independent_code():
    code = np.random.default_rng(0).integers(0, 3, 50_000)
    np.testing.assert_allclose(sy.block_entropy(code, 5), np.arange(1, 6) * np.log(3), rtol=2e-3)
    np.testing.assert_allclose(sy.transition_matrix(code, np.arange(3)), 1 / 3, atol=0.01)
    assert np.isnan(sy.block_entropy(code, 12)[-1])


def test_periodic_code():
    code = np.tile([4, 4, 7, 1], 50)
    assert sy.code_period(code, 20) == 4
    assert sy.code_period(np.zeros(50, int), 10) == 1
    assert sy.code_period(_golden(500), 100) == 0
    np.testing.assert_array_equal(sy.word_counts(code, 6), [3, 4, 4, 4, 4, 4])
    symbols, fraction = sy.occupancy(code)
    np.testing.assert_array_equal(symbols, [4, 1, 7])
    np.testing.assert_allclose(fraction, [0.5, 0.25, 0.25])
    np.testing.assert_allclose(sy.transition_matrix(code, symbols), [[0.5, 0, 0.5], [1, 0, 0], [0, 1, 0]], atol=0.01)
    np.testing.assert_array_equal(sy.run_length(code)[0][:4], [4, 7, 1, 4])
    np.testing.assert_array_equal(sy.run_length(code)[1][:4], [2, 1, 1, 2])
    with pytest.raises(ValueError, match="at least"):
        sy.code_period(code[:10], 20)


def test_the_table_of_words_counts_the_words_themselves():
    code = np.repeat([0, 1, 0, 2, 1, 0], 7)
    graph = (np.array([0, 1]), np.array([[1, 1], [0, 1]]))
    table = sy.word_table(code, graph, longest=8)
    for n in (1, 2, 5, 8):
        words = {tuple(code[t : t + n]) for t in range(len(code) - n + 1)}
        assert int(table.words.sel(length=n)) == len(words)
        walks = [w for w in words if set(w) <= {0, 1} and not any(a == 1 and b == 0 for a, b in pairwise(w))]
        assert int(table.kept_words.sel(length=n)) == len(walks)
    np.testing.assert_array_equal(table.compressed_words, [3, 4, 4, 3, 2, 1, 0, 0])  # of the word 0 1 0 2 1 0
    assert float(table.block_entropy[0]) == pytest.approx(-(0.5 * np.log(0.5) + np.log(1 / 3) / 3 + np.log(1 / 6) / 6))


def test_regions_that_hold_a_share():
    assert sy.regions_holding(np.array([0.5, 0.45, 0.05])) == 2
    assert sy.regions_holding(np.array([0.5, 0.44, 0.06])) == 3
    assert sy.regions_holding(np.array([1.0])) == 1


def test_unknown_symbols_are_left_out_of_transitions():
    code = np.array([0, 0, 9, 0, 1, 1, 0])
    np.testing.assert_allclose(sy.transition_matrix(code, np.array([1, 0])), [[0.5, 0.5], [0.5, 0.5]])
    assert sy.graph_entropy(np.array([[0, 1], [0, 0]])) == -np.inf
    assert sy.graph_entropy(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])) == pytest.approx(np.log(1 + np.sqrt(2)))


def test_an_empty_code_has_no_runs():
    symbols, stays = sy.run_length(np.array([], int))
    assert symbols.size == stays.size == 0
    symbols, stays = sy.run_length(np.array([7]))
    np.testing.assert_array_equal([symbols, stays], [[7], [1]])
