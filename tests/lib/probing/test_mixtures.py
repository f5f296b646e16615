"""Exact errors of linear rules beside SciPy's normal integrals and draws; the mixtures' own facts."""

import numpy as np
import pytest
from scipy import stats

from lib.probing.mixtures import (
    Mixture,
    best_linear_rule,
    bivariate_normal,
    dilute_crossing,
    dilute_mixture,
    linear_rule_error,
    mean_accuracy_size,
    power_mixture,
    projected,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("correlation", [-0.99, -0.5, 0.0, 0.3, 0.9, 0.9999])
def test_bivariate_normal_is_that_of_scipy(correlation):
    peer = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    for h in (-3.0, -0.5, 0.0, 0.4, 2.5):
        for k in (-2.0, -0.5, 0.0, 0.4, 3.0):
            assert bivariate_normal(h, k, correlation) == pytest.approx(peer.cdf([h, k]), abs=2e-7)


def test_bivariate_normal_at_its_ends():
    assert bivariate_normal(0.3, 1.0, 1.0) == stats.norm.cdf(0.3)
    assert bivariate_normal(0.3, 1.0, -1.0) == pytest.approx(stats.norm.cdf(1.0) - stats.norm.cdf(-0.3))
    assert bivariate_normal(0.0, 0.0, 0.5) == pytest.approx(1 / 3)
    assert bivariate_normal(1.0, 1.0, 1 - 1e-15) == pytest.approx(stats.norm.cdf(1.0), abs=1e-7)


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("setting", ["easy", "hard"])
def test_errors_agree_with_draws(classes, setting, rng):
    mixture = power_mixture(classes, 6, setting)
    weights, intercepts = rng.normal(size=(classes, 6)) + mixture.means / 3, rng.normal(size=classes) / 4
    labels = np.repeat(np.arange(classes), 100_000)
    x = mixture.draw(labels, rng)
    share = np.mean(np.argmax(x @ weights.T + intercepts, axis=1) != labels)
    assert linear_rule_error(mixture, weights, intercepts) == pytest.approx(share, abs=0.004)


def test_the_best_error_of_two_classes_has_a_closed_form():
    for n in (2, 10, 100):  # the squared Mahalanobis distance is 4 (n / 2) (1 + 1 / n) = 2 n + 2
        mixture = power_mixture(2, n)
        assert linear_rule_error(mixture, *best_linear_rule(mixture)) == pytest.approx(
            stats.norm.cdf(-np.sqrt((1 + n) / 2)), rel=1e-9
        )
    assert linear_rule_error(dilute_mixture(50), *best_linear_rule(dilute_mixture(50))) == pytest.approx(
        stats.norm.cdf(-2)
    )


def test_one_row_of_weights_is_the_score_of_the_second_class(rng):
    mixture = power_mixture(2, 4)
    w, b = rng.normal(size=(2, 4)), rng.normal(size=2)
    assert linear_rule_error(mixture, w[1:] - w[:1], b[1:] - b[:1]) == pytest.approx(linear_rule_error(mixture, w, b))


def test_a_rule_without_weights_names_the_class_of_the_largest_intercept():
    mixture = power_mixture(3, 4)
    for intercepts in ([0, 1, 0], [0, 0, 0], [-1, 2, 2]):
        assert linear_rule_error(mixture, np.zeros((3, 4)), np.array(intercepts, float)) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="weights"):
        linear_rule_error(mixture, np.zeros((2, 4)), np.zeros(2))


def test_scaling_of_more_classes_changes_no_naive_bayes_error():
    mixture = power_mixture(4, 6)
    plain = Mixture(np.repeat([[-1.0], [1], [2], [4]], 6, axis=1), np.array([6, 6, 6, 1, 1, 1.0]))
    np.testing.assert_allclose(mixture.means * 2 + 2, plain.means)
    errors = [linear_rule_error(one, *best_linear_rule(one)) for one in (mixture, plain)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-6)


def test_the_hard_matrix_is_indefinite_and_its_projection_is_nearest():
    n = 40
    a = 2 * np.random.RandomState(0).uniform(size=(n, n)) - 1
    matrix = a.T @ a
    np.fill_diagonal(matrix, np.r_[np.full(n // 2, n), np.ones(n // 2)])
    values = np.linalg.eigvalsh(matrix)
    assert (values < 0).sum() > 5
    factor, diagonal = projected(matrix)
    np.testing.assert_allclose(np.diagonal(factor @ factor.T), diagonal)
    assert np.linalg.norm(factor @ factor.T - matrix) == pytest.approx(np.linalg.norm(values[values < 0]))
    np.testing.assert_allclose(power_mixture(2, n, "hard").variances, diagonal)


def test_the_authors_matrix_has_the_counted_negative_eigenvalues():
    for n, count in ((100, 31), (200, 64)):
        a = 2 * np.random.RandomState(0).uniform(size=(n, n)) - 1
        matrix = a.T @ a
        np.fill_diagonal(matrix, np.r_[np.full(n // 2, n), np.ones(n // 2)])
        assert (np.linalg.eigvalsh(matrix) < 0).sum() == count


def test_blocks_hold_the_rows_of_one_draw():
    mixture = power_mixture(3, 4)
    labels = mixture.draw_labels(5000, np.random.default_rng(1))
    whole = mixture.draw(labels, np.random.default_rng(2))
    parts = [rows for _, rows in mixture.draw_blocks(labels, np.random.default_rng(2))]
    np.testing.assert_allclose(np.concatenate(parts), whole)
    assert len(np.unique(mixture.draw_labels(3, np.random.default_rng(0)))) == 3
    with pytest.raises(ValueError, match="rows: got 2"):
        mixture.draw_labels(2, np.random.default_rng(0))


def test_leading_order_of_the_dilute_setting():
    assert dilute_crossing(800, 2.0, 0.01) / 800 == pytest.approx(1.396, abs=5e-4)
    n = 4000  # class means with unit variances: margin <w, mu> / |w|, both near their means
    m = int(dilute_crossing(n, 2.0, 0.01))
    rng = np.random.default_rng(0)
    w = 2 / np.sqrt(n) + rng.standard_normal((200, n)) / np.sqrt(m)
    margin = w.sum(axis=1) * 2 / np.sqrt(n) / np.linalg.norm(w, axis=1)
    assert stats.norm.cdf(-margin).mean() == pytest.approx(stats.norm.cdf(-2) + 0.01, abs=5e-4)


def test_sizes_for_accurate_means():
    sizes = [mean_accuracy_size(n, 0.3, 0.9) for n in (100, 200, 400, 1000, 10_000)]
    assert sizes == [120, 134, 148, 168, 216]
    for n, m in zip((100, 10_000), (120, 216)):
        assert (2 * stats.norm.cdf(0.3 * np.sqrt(m)) - 1) ** n >= 0.9
        assert (2 * stats.norm.cdf(0.3 * np.sqrt(m - 1)) - 1) ** n < 0.9


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="setting"):
        power_mixture(2, 4, "medium")
    with pytest.raises(ValueError, match="classes"):
        power_mixture(1, 4)
