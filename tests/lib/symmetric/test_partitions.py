"""Symmetric functions: closed forms against brute force, and Sage as an independent oracle."""

import math

import networkx as nx
import numpy as np
import pytest

from lib.graphs.homomorphisms import adjacency_matrix, chromatic_power, fibre_counts, fibre_types
from lib.symmetric import partitions as s


def _types(source, target, n):
    counts = fibre_types(adjacency_matrix(source), adjacency_matrix(target)).tolist()
    return {k: v for k, v in zip(s.partitions(n), counts) if v}


def test_numbers_of_partitions():
    assert [len(s.partitions(n)) for n in range(1, 11)] == [1, 2, 3, 5, 7, 11, 15, 22, 30, 42]
    assert [len(s.set_partitions(n)) for n in range(7)] == [1, 1, 2, 5, 15, 52, 203]
    assert sum(s.partition_count(kind) for kind in s.partitions(6)) == 203


def test_elementary_symmetric_functions():
    """m~_(1,1,1) = 6 e_3 = p_1^3 - 3 p_2 p_1 + 2 p_3, and omega sends it to 6 h_3."""
    power = s.augmented_to_power({(1, 1, 1): 1})
    assert power == {(1, 1, 1): 1, (2, 1): -3, (3,): 2}
    assert s.omega(power) == {(1, 1, 1): 1, (2, 1): 3, (3,): 2}
    assert s.is_monotone(s.omega(power))
    assert not s.is_monotone(power)


@pytest.mark.parametrize(("r", "t"), [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3)])
def test_bipartite_closed_form_is_brute_force(r, t):
    source = nx.complete_bipartite_graph(r, t)
    for a, b in [(1, 3), (2, 2), (2, 3), (3, 3)]:
        assert s.bipartite_types(r, t, a, b) == _types(source, nx.complete_bipartite_graph(a, b), r + t)


@pytest.mark.parametrize(("r", "t"), [(1, 2), (2, 2), (1, 4), (2, 3)])
def test_star_closed_form(r, t):
    leaves = r + t
    full = s.bipartite_power(r, t, 1, leaves)
    factor = int(np.prod(np.arange(1, leaves + 1)))
    assert full == {kind: factor * value for kind, value in s.star_power(r, t).items()}
    assert s.is_monotone(s.omega(full))


def test_a_target_that_is_not_a_star_is_not_monotone():
    assert not s.is_monotone(s.omega(s.bipartite_power(1, 3, 2, 3)))


@pytest.mark.parametrize("sizes", [(3,), (2, 1), (2, 2), (3, 2), (2, 2, 1), (1, 1, 1), (3, 1, 1), (2, 2, 2)])
def test_multipartite_closed_form_is_brute_force(sizes):
    graph = nx.complete_multipartite_graph(*sizes)
    closed = {kind: value for kind, value in s.multipartite_types(sizes).items() if value}
    assert closed == _types(graph, graph, sum(sizes))


def test_product_of_power_sums():
    assert s.times({(1,): 1, (2,): 2}, {(1,): 3}) == {(1, 1): 3, (2, 1): 6}


def test_labels_of_partitions_can_be_read_back():
    assert s.partition_label((3, 1, 1)) == "3,1,1"
    assert all(s.parse_partition(s.partition_label(kind)) == kind for kind in s.partitions(6))


def test_compositions_are_equally_likely():
    rng = np.random.default_rng(0)
    draws = [s.random_composition(5, 3, rng) for _ in range(3000)]
    assert all(len(draw) == 3 and sum(draw) == 5 and min(draw) > 0 for draw in draws)
    counts = np.unique(draws, axis=0, return_counts=True)[1]
    assert len(counts) == 6  # C(4, 2)
    assert np.max(np.abs(counts - 500)) < 100
    with pytest.raises(ValueError, match="parts"):
        s.random_composition(2, 3, rng)


def test_polynomial_of_a_complete_target_is_the_chromatic_polynomial():
    """X_G^{K_n} at k variables is n! times the number of proper k-colourings; of a cycle (k-1)^n + (-1)^n (k-1)."""
    for n in (3, 4, 5):
        counts = fibre_counts(adjacency_matrix(nx.cycle_graph(n)), ~np.eye(n, dtype=bool))
        expected = [math.factorial(n) * ((k - 1) ** n + (-1) ** n * (k - 1)) for k in range(n + 2)]
        assert s.polynomial_values(counts, n, n + 2) == expected


def test_power_sums_of_brute_force_are_the_closed_form():
    path, target = adjacency_matrix(nx.path_graph(4)), adjacency_matrix(nx.complete_bipartite_graph(2, 3))
    assert chromatic_power(path, target) == s.bipartite_power(2, 2, 2, 3)


def test_mixed_degrees_are_refused():
    with pytest.raises(ValueError, match="degrees differ"):
        s.augmented_to_power({(1,): 1, (2,): 1})


def test_sage_agrees():
    pytest.importorskip("sage.all__sagemath_modules", reason="passagemath-modules is not installed")
    from sage.combinat.sf.sf import SymmetricFunctions
    from sage.rings.rational_field import QQ

    functions = SymmetricFunctions(QQ)
    m, p = functions.m(), functions.p()
    for kind in [(2, 1, 1), (3, 2), (2, 2, 2)]:
        repeated = int(np.prod([np.prod(np.arange(1, kind.count(i) + 1)) for i in set(kind)]))
        expected = {tuple(k): int(c) for k, c in p(repeated * m(list(kind))).monomial_coefficients().items()}
        assert s.augmented_to_power({kind: 1}) == expected
