"""Modularity against networkx, planted modules, purity."""

import networkx as nx
import numpy as np
import pytest

from lib.graphs.modularity import communities, interaction_graph, modularity, purity, shuffled_purity


def _planted(rng, sizes=(8, 8, 8), inside=0.9, outside=0.05):
    blocks = np.repeat(np.arange(len(sizes)), sizes)
    chance = np.where(np.equal.outer(blocks, blocks), inside, outside)
    upper = np.triu(rng.random(chance.shape) < chance, 1) * rng.random(chance.shape)
    return upper + upper.T, blocks


def test_modularity_is_that_of_networkx():
    rng = np.random.default_rng(0)
    weights, _ = _planted(rng)
    graph = nx.from_numpy_array(weights)
    for resolution in (0.5, 1.0, 2.0):
        labels = rng.integers(0, 4, len(weights))
        sets = [set(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        expected = nx.community.modularity(graph, sets, resolution=resolution)
        assert modularity(weights, labels, resolution) == pytest.approx(expected, abs=1e-12)
    assert modularity(weights, np.zeros(len(weights), int)) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="symmetric"):
        modularity(np.triu(weights), labels)
    with pytest.raises(ValueError, match="edges"):
        modularity(np.zeros((3, 3)), [0, 1, 2])


def test_planted_modules_are_recovered_and_beat_greedy_agglomeration_or_equal_it():
    weights, blocks = _planted(np.random.default_rng(1))
    labels, score = communities(weights)
    assert purity(labels, blocks) == 1
    assert len(np.unique(labels)) == 3
    graph = nx.from_numpy_array(weights)
    greedy = nx.community.greedy_modularity_communities(graph, weight="weight")
    louvain = [nx.community.louvain_communities(graph, seed=seed) for seed in range(5)]
    assert score >= nx.community.modularity(graph, greedy) - 1e-12
    assert score == pytest.approx(max(nx.community.modularity(graph, one) for one in louvain), abs=1e-12)


def test_weights_are_logarithms_above_the_threshold():
    first, second = np.array([[100.0, 0.1]]), np.array([[10.0], [1.0]])
    graph = interaction_graph([first, second], [1.0, 1.0])
    expected = np.zeros((5, 5))
    expected[2, 0], expected[3, 2] = 2, 1
    np.testing.assert_allclose(graph, expected + expected.T)
    linear = interaction_graph([first, second], [1.0, 1.0], logarithmic=False)
    assert linear[2, 0] == 100
    assert linear[4, 2] == 0
    with pytest.raises(ValueError, match="layers of shapes"):
        interaction_graph([first, first], [1.0, 1.0])
    with pytest.raises(ValueError, match="thresholds"):
        interaction_graph([first], [0.0])


def test_purity_counts_majorities_of_communities_of_two_and_more():
    assert purity(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])) == pytest.approx(4 / 5)
    with pytest.raises(ValueError, match="single nodes"):
        purity(np.arange(3), np.zeros(3, int))
    rng = np.random.default_rng(2)
    null = shuffled_purity(np.repeat([0, 1], 10), np.repeat([0, 1], 10), rng, 400)
    exact = sum(max(k, 10 - k) / 10 * _ways(k) for k in range(11)) / sum(map(_ways, range(11)))
    assert null == pytest.approx(exact, abs=0.02)


def _ways(k):
    from math import comb

    return comb(10, k) ** 2
