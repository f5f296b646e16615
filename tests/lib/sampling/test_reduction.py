"""Greedy removal against plain eigenvalues, and recycled points against the law of the larger space."""

import numpy as np
import pytest
from scipy import stats

from lib.sampling.bases import Hermite, Legendre, Trigonometric
from lib.sampling.designs import gram, sample_design
from lib.sampling.multivariate import polynomial_basis
from lib.sampling.reduction import recycle_points, remove_points, smallest_without_each


def test_smallest_eigenvalues_without_each_point_are_those_of_the_matrices():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((7, 12, 5)) * np.geomspace(1, 1e3, 5)
    vectors[:, 3] = 0  # nothing is taken away
    vectors[:, 4, 0] = 0
    matrix = vectors.swapaxes(1, 2) @ vectors
    expected = np.linalg.eigvalsh(matrix[:, None] - vectors[..., :, None] * vectors[..., None, :])[..., 0]
    scale = np.linalg.eigvalsh(matrix)[:, -1:]
    np.testing.assert_allclose(smallest_without_each(matrix, vectors), expected, atol=1e-14 * scale.max())


def test_a_vector_orthogonal_to_the_smallest_direction_leaves_its_eigenvalue():
    matrix, vectors = np.diag([1.0, 2.0, 3.0]), np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.0, 0.0]])
    np.testing.assert_allclose(smallest_without_each(matrix, vectors), [1, 1, 0.75], atol=1e-14)
    # the secular equation has a root below the untouched eigenvalue where much is taken away
    np.testing.assert_allclose(smallest_without_each(matrix, np.array([[0.0, 1.3, 0.0]])), [2 - 1.69], atol=1e-14)


def _plainly(phi, w, delta):
    """Greedy removal with an eigenvalue problem for each point and step."""
    points = list(range(len(w)))
    if np.linalg.eigvalsh(gram(phi, w))[0] < 1 - delta:
        return points
    while len(points) > phi.shape[1]:
        options = [[q for q in points if q != p] for p in points]
        smallest = [np.linalg.eigvalsh(gram(phi[option], w[option]))[0] for option in options]
        if max(smallest) < 1 - delta:
            break
        points = options[int(np.argmax(smallest))]
    return points


@pytest.mark.parametrize("strategy", ["iid", "vol", "rep"])
def test_removal_is_greedy_and_keeps_designs_stable(strategy):
    basis, delta = Legendre(4), 0.6
    design = sample_design(strategy, basis, 14, np.random.default_rng(1), 12)
    remaining = remove_points(design.phi, design.w, delta)
    for phi, w, chosen in zip(design.phi, design.w, remaining):
        assert np.flatnonzero(chosen).tolist() == _plainly(phi, w, delta)
    stable = design.eigenvalues[:, 0] >= 1 - delta
    assert stable.any()
    assert np.all(remaining[~stable])
    for i in np.flatnonzero(stable):
        assert np.linalg.eigvalsh(gram(design.phi[i, remaining[i]], design.w[i, remaining[i]]))[0] >= 1 - delta
    assert remaining[stable].sum(1).max() < 14


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        (Legendre(3), Legendre(7)),
        (Hermite(2), Hermite(6)),
        (Trigonometric(3), Trigonometric(9)),
        (polynomial_basis("legendre", 2, 1), polynomial_basis("legendre", 2, 3)),
    ],
    ids=repr,
)
def test_recycled_points_have_the_density_of_the_larger_space(smaller, larger):
    rng, n, runs = np.random.default_rng(2), 20, 300
    points, reused = [], []
    for _ in range(runs):
        before, _ = smaller.draw_christoffel(8, rng)
        x, number = recycle_points(before, smaller, larger, n, rng)
        np.testing.assert_array_equal(x[:number], before[:number])
        points.append(x)
        reused.append(number)
    uniform = larger.component_cdfs(np.concatenate(points)).mean(-1)
    assert stats.kstest(uniform, "uniform").pvalue > 1e-4
    # and they are independent: the mean over a run varies like that of independent points
    values = np.array([np.mean(larger.component_cdfs(x).mean(-1)) for x in points])
    assert runs * np.var(values) * 12 * n == pytest.approx(runs, abs=4.5 * np.sqrt(2 * runs))
    share = stats.binom(n, smaller.size / larger.size)
    expected = sum(min(k, 8) * share.pmf(k) for k in range(n + 1))
    assert np.mean(reused) == pytest.approx(expected, abs=4 * np.std(reused) / np.sqrt(runs) + 1e-9)


def test_bad_arguments_are_named():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="delta: got 1"):
        remove_points(np.ones((1, 3, 1)), np.ones((1, 3)), 1)
    with pytest.raises(ValueError, match="n: got 0"):
        recycle_points(np.zeros((2, 1)), Legendre(2), Legendre(3), 0, rng)
    for larger in (Hermite(4), Legendre(2)):
        with pytest.raises(ValueError, match="smaller: got"):
            recycle_points(np.zeros((2, 1)), Legendre(2), larger, 3, rng)
