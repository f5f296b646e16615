"""Linear structural models against sums over paths, samples and each other."""

import itertools

import numpy as np
import pytest

from lib.invariance.families import random_family
from lib.scm.linear import LinearSEM, cancelling_sem, random_linear_sem


def _by_paths(sem):
    """Total effects by the sum over directed paths of the products of their coefficients."""
    n = len(sem)
    effects = np.eye(n)
    for length in range(1, n):
        for path in itertools.permutations(range(n), length + 1):
            effects[path[-1], path[0]] += np.prod([sem.coefficients[b, a] for a, b in itertools.pairwise(path)])
    return effects


def test_covariance_is_a_sum_over_paths_and_that_of_samples():
    rng = np.random.default_rng(0)
    sem = random_linear_sem(5, 2, rng)
    effects = _by_paths(sem)
    np.testing.assert_allclose(sem.total_effects(), effects, atol=1e-12)
    np.testing.assert_allclose(sem.covariance(), (effects * sem.variances) @ effects.T, atol=1e-12)
    drawn = sem.sample(100_000, rng)
    error = np.abs(drawn.T @ drawn / len(drawn) - sem.covariance())
    spread = np.sqrt(np.outer(np.diag(sem.covariance()), np.diag(sem.covariance())) * 2 / len(drawn))
    assert (error < 4.5 * spread).all()


def test_interventions_are_those_of_the_changed_model():
    rng = np.random.default_rng(0)
    sem = random_linear_sem(8, 2, rng)
    sites = np.array([3, 6])
    rows = rng.normal(size=(5, 2, 8)) * (sem.coefficients[sites] != 0)
    variances, shifts = rng.uniform(0.5, 2, (5, 2)), rng.normal(size=(5, 2))
    ours = sem.intervened(sites, rows, variances, shifts)
    for e in range(5):
        coefficients, noise = sem.coefficients.copy(), sem.variances.copy()
        coefficients[sites], noise[sites] = rows[e], variances[e]
        changed = LinearSEM(coefficients, noise)
        mean = changed.total_effects()[:, sites] @ shifts[e]
        np.testing.assert_allclose(ours[e], changed.covariance() + np.outer(mean, mean))


def test_kinds_of_interventions_agree_where_they_meet():
    rng = np.random.default_rng(0)
    sem = random_linear_sem(7, 2, rng)
    variances = rng.uniform(0.5, 2, (4, 1))
    np.testing.assert_allclose(sem.hard([4], variances), sem.intervened([4], np.zeros((4, 1, 7)), variances))
    np.testing.assert_allclose(sem.scaled([4], np.ones((1, 1)))[0], sem.covariance())
    np.testing.assert_allclose(sem.shifted([4], np.zeros((1, 1)))[0], sem.covariance())
    scaled, base = sem.scaled([4], np.array([[3.0]]))[0], sem.covariance()
    assert scaled[4, 4] == pytest.approx(9 * base[4, 4])
    soft = sem.soft([4], 2000, rng)
    np.testing.assert_allclose(soft[:, :4, :4], np.broadcast_to(base[:4, :4], (2000, 4, 4)))
    assert soft[:, 4, 4].std() > 0.1


def test_paths_of_the_cancelling_model_cancel():
    sem = cancelling_sem(6, np.random.default_rng(0))
    covariance = sem.covariance()
    assert abs(covariance[1, 2]) < 1e-12
    assert sem.coefficients[2, 1] != 0


@pytest.mark.parametrize(
    ("coefficients", "variances", "words"),
    [
        ([[0, 1], [1, 0]], [1, 1], "cycle"),
        ([[1.0]], [1], "cycle"),
        ([[0, 0], [1, 0]], [1, 0], "variances"),
        ([[0, 0], [np.nan, 0]], [1, 1], "finite"),
        ([[0, 0]], [1, 1], "shapes"),
    ],
)
def test_bad_models_are_refused(coefficients, variances, words):
    with pytest.raises(ValueError, match=words):
        LinearSEM(coefficients, variances)


def test_bad_interventions_and_families_are_refused():
    sem = LinearSEM([[0, 0], [1, 0]], [1, 1], ("a", "b"))
    with pytest.raises(ValueError, match="cycle"):
        sem.intervened([0], [[[0.0, 1.0]]], [[1.0]])
    with pytest.raises(ValueError, match="shapes"):
        sem.intervened([0], [[0.0, 1.0]], [[1.0]])
    with pytest.raises(ValueError, match="names"):
        LinearSEM([[0, 0], [1, 0]], [1, 1], ("a", "a"))
    with pytest.raises(ValueError, match="kind"):
        random_family("other", 4, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="sites"):
        random_family("random", 4, 9, np.random.default_rng(0))
