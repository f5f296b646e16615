"""Pooled naive Bayes beside its definition, SciPy's densities, scikit-learn's variances, and rational arithmetic."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from lib.probing.naive_bayes import ClassMoments, PooledGaussianNB, class_moments, merge_moments


@parametrize_with_checks([PooledGaussianNB()])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.fixture
def sample(rng):
    y = np.r_[0, 1, 2, rng.integers(3, size=60)]
    return rng.normal(size=(63, 5)) * [1, 10, 0.1, 3, 1] + y[:, None], y


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_scores_are_log_prior_and_density(sample):
    x, y = sample
    model = PooledGaussianNB(epsilon=1e-3).fit(x, y)
    share = np.bincount(y) / len(y)
    variance = sum(share[k] * x[y == k].var(axis=0) for k in range(3)) + 1e-3
    scores = np.array(
        [
            np.log(share[k]) + stats.multivariate_normal(x[y == k].mean(axis=0), np.diag(variance)).logpdf(x)
            for k in range(3)
        ]
    ).T
    np.testing.assert_allclose(model.var_, variance)
    np.testing.assert_allclose(model.predict_log_proba(x), scores - np.logaddexp.reduce(scores, axis=1)[:, None])
    weights, intercepts = model.linear_rule()
    np.testing.assert_array_equal(np.argmax(x @ weights.T + intercepts, axis=1), model.predict(x))


def test_pooled_variances_are_the_mean_of_those_of_scikit_learn(sample):
    x, y = sample
    peer = GaussianNB(var_smoothing=0).fit(x, y)
    model = PooledGaussianNB(epsilon=1e-12).fit(x, y)
    np.testing.assert_allclose(model.var_, peer.class_prior_ @ peer.var_, rtol=1e-9)
    np.testing.assert_allclose(model.theta_, peer.theta_)


def test_batches_give_the_fit_to_all_rows(sample):
    x, y = sample
    whole, parts = PooledGaussianNB().fit(x, y), PooledGaussianNB()
    order = np.argsort(y, kind="stable")  # the last class comes in the last batches alone
    for start in range(0, len(y), 7):
        rows = order[start : start + 7]
        parts.partial_fit(x[rows], y[rows], classes=[0, 1, 2])
    for name in ("theta_", "var_", "class_count_"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-10)


def test_moments_far_from_zero_lose_no_digits():
    values = [[10**8 + 1, 3], [10**8 + 2, 5], [10**8 + 4, 4], [10**8 - 1, 0]]
    codes = np.array([0, 0, 1, 1])
    moments = class_moments(np.array(values, float), codes, 2)
    for k in range(2):
        for i in range(2):
            own = [Fraction(row[i]) for row, code in zip(values, codes) if code == k]
            mean = sum(own) / 2
            assert moments.mean[k, i] == float(mean)
            assert moments.square[k, i] == pytest.approx(float(sum((v - mean) ** 2 for v in own)), rel=1e-9)


def test_predictions_do_not_turn_on_the_origin(sample):
    x, y = sample
    near, far = PooledGaussianNB().fit(x, y), PooledGaussianNB().fit(x + 1e8, y)
    np.testing.assert_allclose(far.decision_function(x + 1e8), near.decision_function(x), atol=1e-4)


def test_merging_is_associative_and_empty_parts_change_nothing(rng):
    x, codes = rng.normal(size=(12, 3)), np.array([0, 1, 2] * 4)
    parts = [class_moments(x[i : i + 4], codes[i : i + 4], 3) for i in (0, 4, 8)]
    left = merge_moments(merge_moments(parts[0], parts[1]), parts[2])
    right = merge_moments(parts[0], merge_moments(parts[1], parts[2]))
    empty = ClassMoments(np.zeros(3), np.zeros((3, 3)), np.zeros((3, 3)))
    for a, b, c in zip(left, right, merge_moments(empty, merge_moments(left, empty))):
        np.testing.assert_allclose(a, b)
        np.testing.assert_allclose(a, c)


def test_equal_scores_go_to_the_first_class():
    model = PooledGaussianNB().fit([[-1.0], [1.0]], ["a", "b"])
    assert model.predict([[0.0]]) == ["a"]


def test_a_class_without_a_sample_is_named():
    model = PooledGaussianNB().partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="class 2: got no sample"):
        model.predict([[0.0]])
    with pytest.raises(ValueError, match="label 5"):
        model.partial_fit([[0.0]], [5])
    with pytest.raises(ValueError, match="those of the first call"):
        model.partial_fit([[0.0]], [1], classes=[0, 1])
    with pytest.raises(ValueError, match="epsilon"):
        PooledGaussianNB(epsilon=0.0).fit([[0.0], [1.0]], [0, 1])
