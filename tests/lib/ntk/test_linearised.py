"""Regression with kernels, linearised dynamics, ranks; linear extractors and random adapters in the linear model."""

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import nn

from lib.ntk.empirical import split_kernel
from lib.ntk.linear_extractor import adapter_bound, adapter_inner_products, extractor_motion
from lib.ntk.linearised import (
    flat_kernel,
    kernel_logistic,
    kernel_regression,
    linearised_descent,
    numerical_rank,
    residuals,
    singular_values,
    tuned_ratio,
)
from lib.ntk.motion import descended_motion, linearised_motion


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    x, test, labels = rng.standard_normal((9, 4)), rng.standard_normal((5, 4)), np.arange(9) % 3
    identity = np.eye(3)
    kernel = np.einsum("nm,cd->ncmd", x @ x.T + 1, identity)
    cross = np.einsum("nm,cd->ncmd", test @ x.T + 1, identity)
    return x, test, labels, kernel, cross


def test_regression_is_ridge_regression_on_features(problem):
    x, test, labels, kernel, cross = problem
    start, test_start = np.zeros((9, 3)), np.zeros((5, 3))
    fitted = kernel_regression(kernel, cross, start, test_start, labels, ridge=0.01)
    with_one, test_one = np.column_stack([x, np.ones(9)]), np.column_stack([test, np.ones(5)])
    rho = 0.01 * np.mean(np.einsum("ncnc->nc", kernel))
    weights = np.linalg.solve(with_one.T @ with_one + rho * np.eye(5), with_one.T @ np.eye(3)[labels])
    np.testing.assert_allclose(fitted.train, with_one @ weights, atol=1e-10)
    np.testing.assert_allclose(fitted.test, test_one @ weights, atol=1e-10)


def test_regression_starts_from_the_outputs(problem):
    _, _, labels, kernel, cross = problem
    start, test_start = np.eye(3)[labels], np.full((5, 3), 7.0)
    fitted = kernel_regression(kernel, cross, start, test_start, labels)
    np.testing.assert_allclose(fitted.train, start, atol=1e-12)
    np.testing.assert_allclose(fitted.test, test_start, atol=1e-12)


def test_logistic_is_penalised_logistic_regression_on_features(problem):
    from scipy import optimize

    x, test, labels, kernel, cross = problem
    fitted = kernel_logistic(kernel, cross, np.zeros((9, 3)), np.zeros((5, 3)), labels, ridge=0.1)
    with_one, test_one = np.column_stack([x, np.ones(9)]), np.column_stack([test, np.ones(5)])
    rho = 0.1 * np.mean(np.einsum("ncnc->nc", kernel))

    def loss(flat):
        outputs = with_one @ flat.reshape(5, 3)
        return -special.log_softmax(outputs, axis=1)[np.arange(9), labels].sum() + rho * flat @ flat / 2

    weights = optimize.minimize(loss, np.zeros(15), tol=1e-10).x.reshape(5, 3)
    np.testing.assert_allclose(fitted.test, test_one @ weights, atol=1e-3)
    np.testing.assert_allclose(fitted.train, with_one @ weights, atol=1e-3)


def test_descent_in_the_linear_regime_is_that_of_the_linear_model(problem):
    x, _, labels, kernel, _ = problem
    with_one = np.column_stack([x, np.ones(9)])
    weights = np.zeros((5, 3))
    for a in linearised_descent(kernel, np.zeros((9, 3)), labels, 0.3, 20):
        weights -= 0.3 / 9 * with_one.T @ residuals(with_one @ weights, labels)
        np.testing.assert_allclose(with_one.T @ a, weights, atol=1e-12)


def test_share_of_the_first_step():
    rng = np.random.default_rng(1)
    one = np.einsum("nm,cd->ncmd", np.eye(4), np.eye(2))
    slopes = rng.standard_normal((4, 2))
    assert tuned_ratio(one, 3 * one, slopes) == pytest.approx(0.75)
    assert tuned_ratio(one, 0 * one, slopes) == 0
    assert tuned_ratio(one, 3 * one, -slopes) == pytest.approx(0.75)


def test_ranks_of_a_known_matrix():
    rng = np.random.default_rng(2)
    factor = rng.standard_normal((8, 3))
    kernel = np.einsum("nm,cd->ncmd", factor @ factor.T, np.eye(2))
    values = singular_values(kernel)
    assert flat_kernel(kernel).shape == (16, 16)
    assert numerical_rank(values, 16) == 6
    noisy = np.concatenate([values[:6], np.full(10, 1e-9 * values[0])])
    assert numerical_rank(noisy, 16) == 16
    assert numerical_rank(noisy, 16, np.float32) == 6


def test_kernels_that_are_not_finite_are_refused(problem):
    _, _, labels, kernel, cross = problem
    with pytest.raises(ValueError, match="not finite"):
        kernel_regression(kernel * np.nan, cross, np.zeros((9, 3)), np.zeros((5, 3)), labels)


@pytest.fixture
def network():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 6)).double().eval()
    rng = np.random.default_rng(3)
    x, others = torch.from_numpy(rng.standard_normal((8, 5))), torch.from_numpy(rng.standard_normal((4, 5)))
    return module, rng.standard_normal((3, 6)), np.zeros(3), x, np.arange(8) % 3, others


def test_small_steps_follow_the_linearised_dynamics(network):
    module, head, bias, x, labels, others = network
    marks = [1, 5, 20]
    predicted = linearised_motion(module, head, bias, x, labels, others, 1e-4, marks)
    (measured,) = descended_motion(module, head[None], bias[None], x, labels, others, 1e-4, marks)
    np.testing.assert_allclose(predicted.change, measured.change, rtol=2e-3)
    np.testing.assert_allclose(predicted.loss, measured.loss, rtol=1e-5)


def test_heads_descend_together_as_alone(network):
    module, head, bias, x, labels, others = network
    heads, biases = np.stack([head, 0.3 * head]), np.stack([bias, bias])
    together = descended_motion(module, heads, biases, x, labels, others, 0.1, [3])
    alone = descended_motion(module, heads[1:], biases[1:], x, labels, others, 0.1, [3])
    np.testing.assert_allclose(together[1].change, alone[0].change, rtol=1e-10)


def test_the_first_step_of_features_is_the_kernels(network):
    """Against phi(theta - eta gradient) by autograd on a plain copy."""
    module, head, bias, x, labels, others = network
    predicted = linearised_motion(module, head, bias, x, labels, others, 1e-6, [1]).change[0]
    values = list(module.parameters())
    loss = nn.functional.cross_entropy(module(x) @ torch.from_numpy(head).T, torch.from_numpy(labels))
    gradients = torch.autograd.grad(loss, values)
    before = module(others).detach()
    with torch.no_grad():
        for value, gradient in zip(values, gradients):
            value -= 1e-6 * gradient
        measured = float((module(others) - before).norm(dim=1).mean())
    assert predicted == pytest.approx(measured, rel=1e-4)


def test_the_kernel_of_the_motion_is_the_split(network):
    module, head, _bias, x, labels, _others = network
    kernel = split_kernel(module, torch.from_numpy(head), x).total.numpy()
    outputs = module(x).detach().numpy() @ head.T
    (a,) = linearised_descent(kernel, outputs, labels, 0.2, 1)
    np.testing.assert_allclose(a, -0.2 / 8 * residuals(outputs, labels))


def test_a_linear_extractor_stays_off_the_training_span():
    rng = np.random.default_rng(4)
    motion = extractor_motion(rng.standard_normal((6, 10)), np.arange(6) % 3, 5, 100, 0.3, rng)
    assert motion.outside.shape == (4,)
    assert motion.outside.max() < 1e-12
    assert motion.training.min() > 0.01


def test_the_law_of_random_adapters_is_that_of_drawn_ones():
    rng = np.random.default_rng(5)
    u, v = np.eye(6)[0], np.array([0.6, 0.8, 0, 0, 0, 0])
    a = rng.standard_normal((4000, 3, 6)) / np.sqrt(3)
    drawn = ((a @ u) * (a @ v)).sum(axis=1) - 0.6
    law = adapter_inner_products(3, np.full(4000, 0.6), rng)
    assert stats.ks_2samp(drawn, law).pvalue > 0.01
    same = adapter_inner_products(3, np.ones(4000), rng)
    assert stats.kstest(3 * (same + 1), stats.chi2(3).cdf).pvalue > 0.01


def test_the_bound_is_the_written_one():
    assert adapter_bound(256, 0.5) == pytest.approx(4 * np.exp(-8))
