"""Logistic probes beside scikit-learn at a tight tolerance, a stationary gradient, and PyTorch's loss."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from lib.probing.logistic import LogisticProbe, fit_logistic


@parametrize_with_checks([LogisticProbe()])
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def sample(m, n, classes, scales=1.0):
    rng = np.random.default_rng(0)
    codes = np.r_[np.arange(classes), rng.integers(classes, size=m - classes)]
    return (rng.normal(size=(m, n)) + 0.7 * np.eye(classes, n)[codes]) * scales + 3, codes


@pytest.mark.parametrize(("m", "n"), [(60, 9), (9, 60)])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_minimiser_is_that_of_scikit_learn(m, n, classes):
    x, codes = sample(m, n, classes)
    rules = fit_logistic(x, codes, [10.0, 0.1, 1.0], tol=1e-7)
    for strength, rule in zip([10.0, 0.1, 1.0], rules):
        peer = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000).fit(x, codes)
        assert rule.converged
        np.testing.assert_allclose(rule.weights, peer.coef_, atol=1e-4)
        shift = rule.intercepts - peer.intercept_  # of several classes a common shift changes no score
        np.testing.assert_allclose(shift - (shift.mean() if classes > 2 else 0), 0, atol=1e-3)


def test_features_of_different_scale_cost_no_more_steps():
    x, codes = sample(300, 40, 3)
    scales = np.logspace(-3, 3, 40)
    plain, scaled = (fit_logistic(rows, codes, [1.0], tol=1e-6)[0] for rows in (x, x * scales))
    assert plain.converged
    assert scaled.converged
    assert scaled.steps < 200
    # the gradient of the penalised loss vanishes: sum_i (p_ik - y_ik) x_i + w_k / C = 0
    scores = (x * scales) @ scaled.weights.T + scaled.intercepts
    p = np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None]) - np.eye(3)[codes]
    gradient = p.T @ (x * scales) + scaled.weights
    assert np.abs(gradient / np.linalg.norm(x * scales, axis=0)).max() < 1e-3


def test_dependent_and_constant_features_change_nothing():
    x, codes = sample(50, 4, 3)
    wide = np.column_stack([x, np.full(50, 7.0), np.zeros(50)])
    rules = [fit_logistic(rows, codes, [1.0], tol=1e-7)[0] for rows in (x, wide)]
    np.testing.assert_allclose(rules[1].weights[:, :4], rules[0].weights, atol=1e-5)
    np.testing.assert_allclose(rules[1].weights[:, 4:], 0, atol=1e-9)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_loss_on_a_device_is_the_same(classes):
    pytest.importorskip("torch")
    from lib.probing import logistic

    x, codes = sample(30, 5, classes)
    rows = 1 if classes == 2 else classes
    parameters = np.random.default_rng(1).normal(size=(rows, 6)) * 5
    ours, other = logistic._loss(x, codes, rows, "cpu"), logistic._loss_on_device(x, codes, rows, "cpu")
    for a, b in zip(ours(parameters), other(parameters)):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_what_did_not_converge_says_so():
    x, codes = sample(60, 9, 3)
    assert not fit_logistic(x, codes, [100.0], max_iter=2)[0].converged
    with pytest.warns(ConvergenceWarning, match="not converged"):
        LogisticProbe(C=100, max_iter=2).fit(x, codes)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="codes"):
        fit_logistic(np.zeros((3, 2)), np.array([0, 2, 2]), [1.0])
    with pytest.raises(ValueError, match="one class"):
        LogisticProbe().fit([[0.0], [1.0]], [1, 1])
    with pytest.raises(ValueError, match="C: got 0"):
        LogisticProbe(C=0).fit([[0.0], [1.0]], [0, 1])
