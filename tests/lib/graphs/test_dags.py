"""Directed graphs: known counts, and d-separation against networkx and against Gaussian partial correlations."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from lib.graphs import dags as g


def test_counts_of_graphs_and_markov_classes():
    assert [len(set(g.all_dags(d))) for d in (1, 2, 3, 4)] == [1, 3, 25, 543]
    assert [len({g.skeleton_and_colliders(x) for x in g.all_dags(d)}) for d in (1, 2, 3, 4)] == [1, 2, 11, 185]
    assert [len({g.separations(x) for x in g.all_dags(d)}) for d in (2, 3)] == [2, 11]
    with pytest.raises(ValueError, match="nodes: got 6"):
        g.all_dags(6)


def statements(d):
    for i, j in combinations(range(d), 2):
        others = [k for k in range(d) if k not in (i, j)]
        for subset in range(1 << len(others)):
            yield i, j, [others[k] for k in g.bits(subset)]


def test_d_separation_agrees_with_networkx():
    for dag in g.all_dags(4)[::11]:
        graph = nx.DiGraph(g.as_adjacency(dag))
        for i, j, z in statements(4):
            assert g.d_separated(dag, 1 << i, 1 << j, g.mask_of(z)) == nx.is_d_separator(graph, {i}, {j}, set(z))


def test_d_separation_agrees_with_partial_correlations_of_random_weights():
    rng = np.random.default_rng(0)
    for dag in g.all_dags(3):
        weights = g.as_adjacency(dag) * rng.uniform(0.5, 1.5, (3, 3))
        mixing = np.linalg.inv(np.eye(3) - weights.T)
        covariance = mixing @ mixing.T
        for i, j, z in statements(3):
            block = np.linalg.inv(covariance[np.ix_([i, j, *z], [i, j, *z])])
            assert g.d_separated(dag, 1 << i, 1 << j, g.mask_of(z)) == (abs(block[0, 1]) < 1e-12)


def test_samples_are_tied_by_their_mechanisms_alone():
    dag = (0, 1, 3)
    graph = g.exchangeable_graph(dag, 2)
    assert not g.d_separated(graph, 1 << 0, 1 << 3, 0)
    fixed = tuple(mask & 0b111111 for mask in graph)
    for i in range(3):
        for j in range(3, 6):
            assert g.d_separated(fixed, 1 << i, 1 << j, 0)


def test_distances():
    chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert g.edge_distance(chain, chain) == 0
    assert g.edge_distance(chain, np.zeros((3, 3))) == 1
    assert g.edge_distance(chain, chain.T) == 1
    assert g.structural_hamming_distance(chain, chain.T) == 2
    assert g.structural_hamming_distance(chain, np.zeros((3, 3))) == 2


def test_three_forms_are_one_graph():
    for dag in (*g.all_dags(1), *g.all_dags(3), *g.all_dags(4)[::17]):
        matrix = g.as_adjacency(dag)
        graph = nx.from_numpy_array(matrix, create_using=nx.DiGraph)
        for form in (dag, matrix, matrix.astype(int).tolist(), graph):
            assert g.as_dag(form) == dag
            np.testing.assert_array_equal(g.as_adjacency(form), matrix)
    edges = nx.DiGraph()
    edges.add_nodes_from(range(3))
    edges.add_edges_from([(0, 2), (1, 2)])
    assert g.as_dag(edges) == (0, 0, 0b011)


def test_a_cycle_and_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="graph: got a cycle through node 0"):
        g.as_dag(nx.cycle_graph(3, create_using=nx.DiGraph))
    with pytest.raises(ValueError, match="graph: got a cycle through node 1"):
        g.as_dag([[0, 0], [0, 1]])
    with pytest.raises(ValueError, match=r"graph: got shape \(2, 3\)"):
        g.as_adjacency(np.zeros((2, 3)))


def test_layers_count_the_longest_path_to_a_sink():
    for dag in g.all_dags(4)[::23]:
        graph = nx.DiGraph(g.as_adjacency(dag))
        longest = [
            nx.dag_longest_path_length(graph.subgraph({node, *nx.descendants(graph, node)})) for node in range(4)
        ]
        # among the descendants of a node, every longest path starts at the node
        np.testing.assert_array_equal(g.layers(dag), 1 + np.array(longest))
