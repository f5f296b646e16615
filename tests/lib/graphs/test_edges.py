"""Random graphical models and the scores of recovered edges."""

import numpy as np
import pytest

from lib.graphs.edges import edge_auroc
from lib.graphs.gaussian import random_precision


def test_auroc_is_the_probability_of_the_right_order():
    rng = np.random.default_rng(0)
    score = np.round(rng.random((3, 8, 8)), 1)
    score = score + np.swapaxes(score, 1, 2)
    adjacency = rng.random((3, 8, 8)) < 0.3
    adjacency = np.triu(adjacency, 1) | np.swapaxes(np.triu(adjacency, 1), 1, 2)
    upper = np.triu_indices(8, 1)
    for b in range(3):
        edge, none = score[b][upper][adjacency[b][upper]], score[b][upper][~adjacency[b][upper]]
        wins = np.mean((edge[:, None] > none) + 0.5 * (edge[:, None] == none))
        assert edge_auroc(score, adjacency)[b] == pytest.approx(wins)


def test_precisions_are_sparse_positive_definite_and_mixed_in_sign():
    precision, adjacency = random_precision(20, 0.15, (0.3, 0.6), 0.3, np.random.default_rng(1), (50,))
    assert np.all(np.linalg.eigvalsh(precision)[:, 0] > 0.3 - 1e-12)
    off = precision[adjacency]
    assert np.all((np.abs(off) >= 0.3) & (np.abs(off) <= 0.6))
    assert np.mean(off > 0) == pytest.approx(0.5, abs=0.05)
    assert adjacency.mean() == pytest.approx(0.15 * 19 / 20, abs=0.01)
    np.testing.assert_array_equal(precision, np.swapaxes(precision, 1, 2))
    np.testing.assert_array_equal(adjacency, (precision != 0) & ~np.eye(20, dtype=bool))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: random_precision(5, 1.2, (0.3, 0.6), 0.3, None), "edge_probability: got 1.2"),
        (lambda: random_precision(5, 0.2, (0.6, 0.3), 0.3, None), "weights: got"),
        (lambda: random_precision(5, 0.2, (0.3, 0.6), 0, None), "smallest_eigenvalue: got 0"),
        (lambda: edge_auroc(np.ones((3, 3)), np.eye(4)), "score, adjacency: got shapes"),
        (lambda: edge_auroc(np.full((3, 3), np.nan), np.eye(3)), "score: got entries"),
        (lambda: edge_auroc(np.ones((3, 3)), np.zeros((3, 3))), "adjacency: got a graph that is empty"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()
