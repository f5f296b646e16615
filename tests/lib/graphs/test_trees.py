"""Trees and their endomorphisms: counts, worked values, and agreement of independent routes."""

from itertools import chain, combinations
from math import factorial

import networkx as nx
import numpy as np
import pytest

from lib.graphs import trees as t
from lib.graphs.homomorphisms import (
    _keys,
    adjacency_matrix,
    all_graphs,
    connected_bipartite_graphs,
    fibre_counts,
    fibre_types,
)
from lib.symmetric.partitions import partitions

BELL = [1, 1, 2, 5, 15, 52, 203, 877, 4140]


def _matrix(parent):
    return adjacency_matrix(t.to_graph(parent))


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
        assert sum(types.values()) == t.endomorphisms(parent)
        assert sum(c for k, c in types.items() if len(k) == 3) == t.three_vertex_endomorphisms(parent)
        expected = {t.class_sizes(parent): 2 * (n - 1)}
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
    path = adjacency_matrix(nx.path_graph(3))
    other = adjacency_matrix(nx.disjoint_union(nx.path_graph(2), nx.path_graph(1)))
    assert np.array_equal(fibre_types(path, path), fibre_types(other, other))
    assert [len({tuple(fibre_types(g, g)) for g in all_graphs(n)}) for n in range(1, 7)] == [1, 2, 3, 11, 34, 155]


def test_complete_target_counts_stable_partitions():
    """h_lambda(G, K_N) = number of stable partitions of type lambda times N! / (N - l)!: Stanley's function."""
    cycle, complete = adjacency_matrix(nx.cycle_graph(4)), ~np.eye(5, dtype=bool)
    assert fibre_counts(cycle, complete) == {(4,): 0, (3, 1): 0, (2, 2): 20, (2, 1, 1): 2 * 60, (1, 1, 1, 1): 120}


def test_classes_are_those_of_a_proper_colouring():
    for parent in t.parents(8):
        first = sum(nx.bipartite.color(t.to_graph(parent)).values())
        assert t.class_sizes(parent) == (max(first, 8 - first), min(first, 8 - first))


def test_homomorphisms_into_a_complete_graph_are_proper_colourings():
    """k (k - 1)^(n - 1) of them for every tree on n vertices."""
    complete = [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    assert all(t.homomorphisms(parent, complete) == 4 * 3**6 for parent in t.parents(7))


def test_images_of_homomorphisms_partition_them():
    """Every homomorphism into a path has one image."""
    path = [[1], [0, 2], [1, 3], [2]]
    subsets = [s for size in range(1, 5) for s in combinations(range(4), size)]
    for parent in t.parents(6):
        onto = {subset: t.homomorphisms_onto(parent, path, list(subset)) for subset in subsets}
        assert sum(onto.values()) == t.homomorphisms(parent, path)
        assert onto[0, 2] == 0  # not connected
        assert onto[0, 1] == 2


def test_numbers_of_spiders_and_caterpillars():
    """Spiders are partitions of n - 1 into at least three parts; caterpillars number 2^(n-4) + 2^(floor(n/2)-2)."""
    for n in range(4, 11):
        trees = list(t.parents(n))
        assert sum(map(t.is_spider, trees)) == sum(len(kind) >= 3 for kind in partitions(n - 1))
        assert sum(t.caterpillar_spine(parent) > 0 for parent in trees) == 2 ** (n - 4) + 2 ** (n // 2 - 2)
    assert t.caterpillar_spine([-1, 0, 1, 2, 3]) == 3  # a path
    assert t.caterpillar_spine([-1, 0, 0, 0, 0]) == 1  # a star


def test_numbers_of_connected_bipartite_graphs():
    """OEIS A005142."""
    assert [sum(1 for _ in connected_bipartite_graphs(n)) for n in range(1, 8)] == [1, 1, 1, 3, 5, 17, 44]
    for graph, r, s in connected_bipartite_graphs(5):
        assert r + s == 5
        assert r <= s
        assert graph.sum() <= 2 * r * s


def test_what_is_not_a_tree_is_refused():
    with pytest.raises(ValueError, match="expected a tree"):
        t.breadth_first([(0, 1), (1, 2), (2, 0)], 4)
    with pytest.raises(ValueError, match="legs"):
        t.spider([1, 2])
    with pytest.raises(ValueError, match="symmetric"):
        fibre_types(np.triu(np.ones((3, 3))), np.ones((3, 3)))


def test_graphs_without_vertices_and_with_many():
    with pytest.raises(ValueError, match="without vertices"):
        fibre_types(np.zeros((0, 0), dtype=bool), np.ones((2, 2), dtype=bool))
    assert fibre_types(np.zeros((1, 1), dtype=bool), np.zeros((0, 0), dtype=bool)).tolist() == [0]
    weights, slots, places = _keys(42)
    kinds = partitions(42)
    sums = {(sum(int(weights[part]) for part in kind) % 2**64): index for index, kind in enumerate(kinds)}
    filled = slots != 0
    assert dict(zip(slots[filled].tolist(), places[filled].tolist())) == sums
    assert len(sums) == 53174


@pytest.mark.parametrize("n", [1, 2, 5, 7])
def test_injective_maps_of_trees_are_those_that_networkx_finds(n):
    for target in t.parents(n):
        for source in chain.from_iterable(t.parents(k) for k in range(1, min(n, 5) + 1)):
            matcher = nx.isomorphism.GraphMatcher(t.to_graph(target), t.to_graph(source))
            expected = sum(1 for _ in matcher.subgraph_monomorphisms_iter())
            assert t.injective(t.canonical(t.adjacency(source)), target) == expected
    star = [-1, *[0] * (n - 1)]
    assert t.injective(t.canonical(t.adjacency(star)), star) == max(1, factorial(n - 1)) * (2 if n == 2 else 1)
    with pytest.raises(ValueError, match="at most 20"):
        t.injective((), [-1, *range(20)])
