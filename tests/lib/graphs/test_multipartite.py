"""Multipartite matrices, fixed targets and fixed sources: known ranks and determinants, and brute force."""

from math import comb

import networkx as nx
import numpy as np
import pytest

from lib.graphs import multipartite as mp
from lib.graphs.homomorphisms import adjacency_matrix, all_graphs, fibre_types
from lib.graphs.quotients import quotient_vectors, span_rank
from lib.linalg.exact import determinant, rank_mod_p
from lib.symmetric.partitions import partitions


def test_a_single_part_has_no_edges_and_single_vertices_have_all():
    assert not mp.complete_multipartite((4,)).any()
    np.testing.assert_array_equal(mp.complete_multipartite((1, 1, 1)), ~np.eye(3, dtype=bool))


@pytest.mark.parametrize("n", range(2, 6))
def test_closed_form_of_self_functions_is_brute_force(n):
    graphs = map(mp.complete_multipartite, partitions(n))
    assert mp.self_matrix(n) == [fibre_types(graph, graph).tolist() for graph in graphs]


@pytest.mark.parametrize("n", range(2, 8))
def test_multipartite_self_functions_are_a_basis(n):
    assert rank_mod_p(mp.self_matrix(n)) == len(partitions(n))


@pytest.mark.parametrize("n", [2, 3, 4])
def test_determinants_of_targets_with_a_clique(n):
    """The matrix is triangular by refinement; its diagonal counts the maps of the parts onto cliques."""
    for target in mp.clique_extensions(n).values():
        formula = mp.determinant_formula(n, target)
        assert mp.target_determinant(n, target) == formula == abs(determinant(mp.target_matrix(n, target))) > 0
        assert target.sum() < n * (n + 1)  # not complete


def test_determinants_of_three_vertices():
    assert [mp.target_determinant(3, target) for target in mp.clique_extensions(3).values()] == [144, 192, 480]


def test_cliques_of_complete_and_of_all_small_graphs():
    assert [mp.count_cliques(~np.eye(6, dtype=bool), size) for size in range(1, 7)] == [comb(6, k) for k in range(1, 7)]
    for graph in all_graphs(5):
        sizes = [len(clique) for clique in nx.enumerate_all_cliques(nx.from_numpy_array(graph))]
        assert [mp.count_cliques(graph, size) for size in range(1, 6)] == [sizes.count(size) for size in range(1, 6)]


def test_a_target_without_edges_spans_nothing_beyond_the_edgeless_source():
    assert mp.target_rank(3, np.zeros((3, 3), dtype=bool)) == 1
    assert mp.target_rank(3, ~np.eye(3, dtype=bool)) == 3  # the chromatic basis


def test_spans_of_stars_and_complete_graphs():
    for n in (4, 5, 6, 7):
        assert span_rank(adjacency_matrix(nx.star_graph(n - 1)))[0] == 2 * n - 3
        complete = 1 + sum(n - 2 * i + 1 for i in range(1, n // 2 + 1))
        assert span_rank(adjacency_matrix(nx.complete_graph(n)))[0] == complete


def test_quotients_span_what_all_targets_span():
    """Brute force over all targets with loops: one for each subset of loops of every small graph."""
    n = 3
    for source in all_graphs(n):
        rows = []
        for size in range(1, n + 1):
            for graph in all_graphs(size):
                for loops in np.ndindex(*[2] * size):
                    rows.append(fibre_types(source, graph | np.diag(np.array(loops, dtype=bool))).tolist())
        assert span_rank(source)[0] == rank_mod_p(rows)


def test_quotients_are_all_set_partitions():
    graph = adjacency_matrix(nx.cycle_graph(6))
    assert sum(vector.sum() for vector in quotient_vectors(graph).values()) == 203  # Bell number
    with pytest.raises(ValueError, match="at most 10"):
        span_rank(np.zeros((11, 11), dtype=bool))
