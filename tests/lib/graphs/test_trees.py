"""Trees and their endomorphisms: counts, worked values, and agreement of independent routes."""

from math import factorial

import networkx as nx
import numpy as np
import pytest

from lib.graphs import trees as t
from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, fibre_types
from lib.symmetric.partitions import partitions

BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140]


def _matrix(parent):
    matrix = np.zeros((len(parent), len(parent)), dtype=bool)
    for v, p in enumerate(parent):
        if p >= 0:
            matrix[v, p] = matrix[p, v] = True
    return matrix


def test_numbers_of_trees():
    assert [sum(1 for _ in t.parents(n)) for n in range(1, 13)] == [1, 1, 1, 2, 3, 6, 11, 23, 47, 106, 235, 551]


def test_worked_values():
    assert t.endomorphism_types([-1, 0, 1]) == {(2, 1): 4, (1, 1, 1): 2}
    assert t.endomorphism_types([-1, 0, 1, 2]) == {(2, 2): 6, (2, 1, 1): 8, (1, 1, 1, 1): 2}
    assert t.endomorphism_types([-1, 0, 0, 0]) == {(3, 1): 6, (2, 1, 1): 18, (1, 1, 1, 1): 6}
    fork = t.breadth_first([(0, 1), (0, 2), (0, 3), (3, 4)], 5)
    assert t.endomorphism_types(fork) == {(3, 2): 8, (3, 1, 1): 8, (2, 2, 1): 24, (2, 1, 1, 1): 18, (1,) * 5: 2}


@pytest.mark.parametrize("n", range(2, 8))
def test_quotients_agree_with_back_tracking(n):
    for parent in t.parents(n):
        slow = fibre_types(_matrix(parent), _matrix(parent))
        assert t.endomorphism_types(parent) == {k: v for k, v in zip(partitions(n), slow.tolist()) if v}


@pytest.mark.parametrize("n", [5, 8, 9])
def test_one_point_value_follows_from_the_full_function(n):
    """A fibre of size j contributes t^j and an empty one 1."""
    for parent in t.parents(n):
        types = t.endomorphism_types(parent)
        for prime in t.PRIMES:
            full = sum(c * (sum(pow(987654321, j, prime) for j in k) + n - len(k)) for k, c in types.items())
            assert t.special_point(parent, 987654321, prime) == full % prime


@pytest.mark.parametrize("n", range(2, 10))
def test_invariants_of_every_tree(n):
    for parent in t.parents(n):
        types = t.endomorphism_types(parent)
        graph = nx.Graph([(v, p) for v, p in enumerate(parent) if p >= 0])
        left = sum(nx.bipartite.color(graph).values())
        assert sum(types.values()) == t.endomorphisms(parent)
        expected = {tuple(sorted((left, n - left), reverse=True)): 2 * (n - 1)}
        assert {k: c for k, c in types.items() if len(k) == 2} == expected


def test_star_has_bell_many_quotients_and_known_endomorphisms():
    for n in range(3, 9):
        star = [-1] + [0] * (n - 1)
        assert sum(sum(kinds.values()) for kinds in t.quotients(star).values()) == BELL[n - 1]
        assert t.endomorphisms(star) == (n - 1) ** (n - 1) + n - 1
        assert t.endomorphism_types(star)[(1,) * n] == factorial(n - 1)


def test_canonical_form_is_that_of_the_isomorphism_class():
    rng = np.random.default_rng(0)
    for n in (6, 9):
        codes = set()
        for parent in t.parents(n):
            order = rng.permutation(n)
            edges = [(int(order[v]), int(order[p])) for v, p in enumerate(parent) if p >= 0]
            code = t.canonical(t.adjacency(t.breadth_first(edges, n)))
            assert code == t.canonical(t.adjacency(parent))
            codes.add(code)
        assert len(codes) == sum(1 for _ in t.parents(n))


def test_the_one_exception_and_the_first_collision_of_graphs():
    path, other = (
        adjacency_matrix(nx.path_graph(3)),
        adjacency_matrix(nx.disjoint_union(nx.path_graph(2), nx.path_graph(1))),
    )
    assert np.array_equal(fibre_types(path, path), fibre_types(other, other))
    assert [len({tuple(fibre_types(g, g)) for g in all_graphs(n)}) for n in range(1, 7)] == [1, 2, 3, 11, 34, 155]


def test_complete_target_counts_stable_partitions():
    """h_lambda(G, K_N) = number of stable partitions of type lambda times N! / (N - l)!: Stanley's function."""
    cycle, complete = adjacency_matrix(nx.cycle_graph(4)), ~np.eye(5, dtype=bool)
    found = dict(zip(partitions(4), fibre_types(cycle, complete).tolist()))
    assert found == {(4,): 0, (3, 1): 0, (2, 2): 20, (2, 1, 1): 2 * 60, (1, 1, 1, 1): 120}


def test_what_is_not_a_tree_is_refused():
    with pytest.raises(ValueError, match="expected a tree"):
        t.breadth_first([(0, 1), (1, 2), (2, 0)], 4)
    with pytest.raises(ValueError, match="legs"):
        t.spider([1, 2])
    with pytest.raises(ValueError, match="symmetric"):
        fibre_types(np.triu(np.ones((3, 3))), np.ones((3, 3)))
