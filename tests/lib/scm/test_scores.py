"""Scores of directions: what a method without power, an omniscient one, and one that never directs an edge get."""

import numpy as np
import pytest

from lib.scm.scores import (
    UNDIRECTED,
    directed_pvalues,
    fair_scores,
    first_version_shares,
    released_scores,
    structure,
)

TRUTH = np.array([0, 1, 2])


def test_structures_of_two_variables():
    edges = ([[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 0]], [[0, 1], [1, 0]])
    assert [structure(np.array(matrix)) for matrix in edges] == [0, 1, 2, UNDIRECTED]


def test_an_open_edge_is_worth_a_guess_or_nothing():
    always_open = np.full(3, UNDIRECTED)
    assert fair_scores(always_open, TRUTH).tolist() == [0.5, 0.5, 0.0]
    assert released_scores(always_open, TRUTH).tolist() == [0.0, 0.0, 1.0]
    for score in (fair_scores, released_scores):
        assert score(TRUTH, TRUTH).tolist() == [1.0, 1.0, 1.0]


def test_the_released_evaluation_may_miss_one_direction():
    assert released_scores(TRUTH, TRUTH, sees_backward=False).tolist() == [1.0, 0.0, 1.0]
    # the fair score of a direction drawn by lot is that of an open edge
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 20000)
    assert fair_scores(rng.integers(0, 2, 20000), truth).mean() == pytest.approx(0.5, abs=0.02)


def test_p_values_along_and_against_the_direction_are_of_the_right_test():
    pvalues = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    assert directed_pvalues(pvalues, TRUTH, reverse=False).tolist() == [0.1, 0.5]
    assert directed_pvalues(pvalues, TRUTH, reverse=True).tolist() == [0.4, 0.2]


def test_decisions_of_the_first_version():
    pvalues = np.array([[0.5, 0.5, 0.04], [0.01, 0.2, 0.01], [0.01, 0.01, 0.01]])
    shares = first_version_shares(pvalues)
    assert shares["highest"].tolist() == [True, True, True]
    assert shares["conservative"].tolist() == [True, False, False]
    assert not first_version_shares(np.zeros((3, 4)))["highest"].any()
