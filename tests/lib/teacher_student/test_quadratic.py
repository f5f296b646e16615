"""Measurements of a quadratic network and the linear estimators on them."""

import numpy as np
import pytest

from lib.teacher_student import quadratic as q

D, N = 9, 40


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def _symmetric(rng, d=D):
    a = rng.standard_normal((d, d))
    return a + a.T


@pytest.mark.parametrize("kind", ["rank one", "goe"])
def test_forward_and_adjoint_are_adjoint(rng, kind):
    sensing = q.RankOne(rng.standard_normal((N, D))) if kind == "rank one" else q.Goe(N, D, rng)
    s, g = _symmetric(rng), rng.standard_normal(N)
    assert g @ sensing.forward(s) == pytest.approx(np.sum(sensing.adjoint(g) * s))


@pytest.mark.parametrize("kind", ["rank one", "goe"])
def test_second_moment_of_the_measurements(rng, kind):
    n = 40000
    sensing = q.RankOne(rng.standard_normal((n, D))) if kind == "rank one" else q.Goe(n, D, rng)
    s = _symmetric(rng)
    assert np.mean(sensing.forward(s) ** 2) == pytest.approx(2 * np.sum(s**2) / D, rel=0.05)


def test_gram_matrix_is_that_of_the_explicit_tensor(rng):
    x = rng.standard_normal((N, D))
    phi = ((x[:, :, None] * x[:, None, :] - np.eye(D)) / np.sqrt(D)).reshape(N, -1)
    np.testing.assert_allclose(q.gram(x), phi @ phi.T, atol=1e-12)


def test_measured_error_is_frobenius_plus_trace(rng):
    d, m = 6, 3
    teacher, estimate = q.sample_teacher(d, m, rng), _symmetric(rng, d)
    x = rng.standard_normal((400_000, d))
    prediction = np.einsum("ni,ij,nj->n", x, estimate, x, optimize=True) / d
    expected = q.frobenius_error(estimate, teacher, m / d) + m / d / (2 * d) * np.trace(estimate - teacher) ** 2
    assert q.measured_test_error(prediction, x, teacher, m) == pytest.approx(expected, rel=0.03)


def test_minimum_norm_interpolates_and_is_closest_to_the_identity(rng):
    x = rng.standard_normal((20, D))
    y = q.forward(x, q.sample_teacher(D, 4, rng))
    estimate = q.minimum_norm(x, y)
    np.testing.assert_allclose(q.forward(x, estimate), y, atol=1e-9)
    phi = ((x[:, :, None] * x[:, None, :] - np.eye(D)) / np.sqrt(D)).reshape(20, -1)
    direct = np.linalg.lstsq(phi, y - phi @ np.eye(D).ravel(), rcond=None)[0].reshape(D, D)
    np.testing.assert_allclose(estimate, np.eye(D) + direct, atol=1e-9)


def test_minimum_norm_recovers_the_teacher_from_enough_labels(rng):
    x = rng.standard_normal((D * (D + 1) // 2 + 5, D))
    teacher = q.sample_teacher(D, 4, rng)
    np.testing.assert_allclose(q.minimum_norm(x, q.forward(x, teacher)), teacher, atol=1e-7)


def test_ridge_tends_to_minimum_norm_and_to_the_identity(rng):
    x = rng.standard_normal((30, D))
    y = q.forward(x, q.sample_teacher(D, 4, rng))
    np.testing.assert_allclose(q.ridge(x, y, np.array([1e-10]), rng)[0], q.minimum_norm(x, y), atol=1e-5)
    np.testing.assert_allclose(q.ridge(x, y, np.array([1e12]), rng)[0], np.eye(D), atol=1e-8)


def test_linear_regression_learns_a_linear_function(rng):
    x, fresh = rng.standard_normal((N, D)), rng.standard_normal((5, D))
    beta = rng.standard_normal(D)
    np.testing.assert_allclose(q.linear_regression(x, 2 + x @ beta, fresh), 2 + fresh @ beta)


def test_reduced_noise_of_the_paper():
    assert q.reduced_noise(0.25**2, 0.5) == pytest.approx(0.515625)
