"""Counting edges: sums, bisection, and trained classifiers."""

from itertools import pairwise

import numpy as np
import pytest

from lib.interaction.edges import (
    bisect_edges,
    edges_holding,
    largest_edges,
    node_schedule,
    threshold_holding,
)
from lib.interaction.trained import fewest_nodes, measure_needs, prepare_tests, train_classifiers


def test_edges_that_hold_a_share():
    strengths = np.array([[8.0, 1.0], [0.5, 0.5]])
    assert [edges_holding(strengths, share) for share in (0.5, 0.8, 0.81, 0.9, 1.0)] == [1, 1, 2, 2, 4]
    assert threshold_holding(strengths, 0.9) == 1.0
    for wrong in (np.zeros((2, 2)), np.array([[1.0, -1.0]]), np.array([[np.nan, 1.0]])):
        with pytest.raises(ValueError, match="strengths"):
            edges_holding(wrong, 0.9)


def test_bisection_returns_the_number_of_edges_that_matter():
    rng = np.random.default_rng(0)
    strengths = rng.random((6, 7)) * 1e-3
    strengths.flat[rng.permutation(42)[:5]] += 1
    needed = strengths > 0.5
    assert bisect_edges(strengths, lambda kept: bool(kept[needed].all())) == 5
    assert bisect_edges(strengths, lambda kept: True) == 0
    assert bisect_edges(strengths, lambda kept: False) == 42
    assert largest_edges(strengths, 5).sum() == 5
    assert (largest_edges(strengths, 5) == needed).all()


def test_schedule_of_nodes_has_every_small_number_and_the_last():
    assert node_schedule(7) == [1, 2, 3, 4, 5, 6, 7]
    numbers = node_schedule(64)
    assert numbers[:10] == list(range(1, 11))
    assert numbers[-1] == 64
    assert (np.diff(numbers) > 0).all()
    assert max(b / a for a, b in pairwise(numbers[10:])) < 1.1


def test_fewest_nodes_is_the_first_number_that_reaches_the_bound():
    assert fewest_nodes(np.array([1, 2, 5]), np.array([0.1, 0.9, 0.8]), 0.85) == 2
    assert np.isnan(fewest_nodes(np.array([1, 2]), np.array([0.1, 0.2]), 0.85))


def test_classifiers_of_a_stack_learn_and_need_few_directions():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 6)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(int) + 2 * (x[:, 1] > 0)
    networks = train_classifiers(
        x, labels, np.tile(np.arange(300), (2, 1)), [0, 1], [np.random.default_rng(i) for i in range(2)],
        widths=[6, 8, 8, 4], rate=1e-2, batch=64, steps=150,
    )  # fmt: skip
    assert not np.allclose(networks[0].weights[0], networks[1].weights[0])
    tested = prepare_tests(networks[0], x[:300], x[300:], labels[300:])
    assert tested.accuracy > 0.85
    needs = measure_needs(tested, drop=0.05, edge_drop=0.05)
    local, neuron = needs.fewest[-1, 0], needs.fewest[0, 0]
    assert local == 2  # the task lies in two dimensions
    assert neuron >= 2
    assert needs.edges.min() >= 1
