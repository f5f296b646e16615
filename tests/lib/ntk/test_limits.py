"""Kernels and their closed forms on binary inputs, against networks at initialisation, dense solves and 50 digits."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.stats import binom, norm

from lib.ntk import bits, samples
from lib.ntk.kernels import KERNELS, relu_nngp, relu_ntk, tangent_kernel, trained_limit


@pytest.mark.parametrize("rho", [-1.0, -0.4, 0.0, 0.3, 1 / math.sqrt(2), 1.0])
def test_kernels_are_integrals_over_gaussian_weights(rho):
    """E relu(u) relu(v) and E 1(u > 0) 1(v > 0) by the polar form of the Gaussian, which is exact in the angle."""
    angle = math.acos(rho)
    grid = np.linspace(-np.pi, np.pi, 200_001)[:-1]
    both = np.maximum(np.cos(grid), 0) * np.maximum(np.cos(grid - angle), 0)
    covariance = both.mean() * 2  # radius squared has mean 2
    share = ((np.cos(grid) > 0) & (np.cos(grid - angle) > 0)).mean()
    assert relu_nngp(rho) == pytest.approx(covariance, abs=2e-5)
    assert relu_ntk(rho) == pytest.approx(covariance + rho * share, abs=2e-5)


def test_the_tangent_kernel_is_that_of_a_wide_network():
    """Gradients by autograd of one network of width 40,000."""
    generator = torch.Generator().manual_seed(0)
    w1 = torch.randn(40_000, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    w2 = torch.randn(40_000, generator=generator, dtype=torch.float64, requires_grad=True)
    inputs = torch.tensor(samples.unit(np.array([[1, 1, 0], [0, 1, 1]])))
    rows = []
    for x in inputs:
        output = torch.relu(w1 @ x / 3**0.5) @ w2 / 40_000**0.5
        rows.append(torch.cat([g.ravel() for g in torch.autograd.grad(output, (w1, w2))]))
    assert float(rows[0] @ rows[1]) == pytest.approx(float(relu_ntk(0.5)) / 3, rel=0.05)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [2, 3, 7])
def test_closed_form_is_the_dense_solve(kernel, size):
    inputs = samples.binary_inputs(size)
    assert len(inputs) == 2**size - 1
    limit = trained_limit(kernel, np.eye(size), np.eye(size), samples.unit(inputs))
    closed = bits.bit_limits(kernel, size, inputs.sum(axis=1))
    np.testing.assert_allclose(
        limit.mean, np.where(inputs, closed.inside[:, None], closed.outside[:, None]), atol=1e-13
    )
    np.testing.assert_allclose(np.diag(limit.covariance), closed.variance, atol=1e-13)


@pytest.mark.parametrize("kernel", KERNELS)
def test_training_inputs_are_interpolated(kernel):
    limits = bits.bit_limits(kernel, 50, 1)
    assert limits.inside == pytest.approx(1, abs=1e-13)
    assert abs(limits.outside) < 1e-14
    assert abs(limits.variance) < 1e-14


def test_closed_form_in_fifty_digits():
    with mpmath.workdps(50):
        k, m = 200, 2
        c, rho = 1 / (2 * mpmath.pi), 1 / mpmath.sqrt(m)
        row = c * (mpmath.sqrt(1 - rho**2) + 2 * (mpmath.pi - mpmath.acos(rho)) * rho)
        delta = 1 - c
        outside = (c - c * (m * row + (k - m) * c) / (delta + c * k)) / delta
    assert float(bits.bit_limits("ntk", k, m).outside) == pytest.approx(float(outside), rel=1e-12)


@pytest.mark.parametrize(
    ("size", "ones", "kernel", "values"),
    [
        (10, 2, "ntk", (0.565422, -0.009850, 0.006519)),
        (10, 9, "ntk", (0.160100, -0.070171, 0.017715)),
        (30, 2, "last_layer", (0.632413, -0.008786, 0.002047)),
    ],
)
def test_reference_values(size, ones, kernel, values):
    np.testing.assert_allclose(bits.bit_limits(kernel, size, ones), values, atol=6e-7)


@pytest.mark.parametrize("scope", bits.SCOPES)
@pytest.mark.parametrize("threshold", bits.THRESHOLDS)
def test_the_bound_is_the_sum_of_tails(scope, threshold):
    size, models = 6, 40
    total = 0.0
    for m in range(2, size + 1) if scope == "all" else [2]:
        limits = bits.bit_limits("last_layer", size, m)
        cut, sd = float(bits.threshold_of(limits, threshold)), math.sqrt(limits.variance / models)
        wrong = m * norm.sf((limits.inside - cut) / sd) + (size - m) * norm.sf((cut - limits.outside) / sd)
        total += wrong * (math.comb(size, m) if scope == "all" else 1)
    bound = bits.log_failure_bound("last_layer", size, models, scope, threshold=threshold)
    assert float(bound) == pytest.approx(math.log(total), rel=1e-10)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scope", bits.SCOPES)
def test_the_required_number_is_the_smallest(kernel, scope):
    for size in (5, 30, 200):
        models = bits.models_required(kernel, size, scope, 0.1)
        bounds = bits.log_failure_bound(kernel, size, [models - 1, models], scope)
        assert bounds[1] <= math.log(0.1) < bounds[0]


def test_required_numbers_of_the_paper_s_sizes():
    assert [bits.models_required(k, 30, s, 0.1) for k in KERNELS for s in bits.SCOPES] == [851, 2183, 192, 493]
    assert bits.models_for_accuracy("last_layer", 15, 2, 0.9) == 89


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="kernel: got 'both'"):
        tangent_kernel("both", 0.5)
    with pytest.raises(ValueError, match=r"ones: got 0 to 0, expected 1 to 4"):
        bits.bit_limits("ntk", 4, 0)
    with pytest.raises(ValueError, match="scope: got 'some'"):
        bits.log_failure_bound("ntk", 4, 3, "some")
    with pytest.raises(ValueError, match="threshold: got 'half'"):
        bits.models_required("ntk", 4, "all", 0.1, threshold="half")
    with pytest.raises(ValueError, match="failure: got 1"):
        bits.models_required("ntk", 4, "all", 1)


def test_pairs_are_drawn_with_the_covariance_of_the_limit():
    size = 6
    inputs = samples.pairs(size)
    covariance = trained_limit("ntk", np.eye(size), np.eye(size), samples.unit(inputs)).covariance
    drawn = samples.sample_pairs("ntk", size, (200_000,), np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.02 * covariance.max())
    constant, places, rest = (root**2 for root in samples.pair_roots("ntk", size))
    expected = np.sort([constant, *[places] * (size - 1), *[rest] * (len(inputs) - size)])
    np.testing.assert_allclose(np.linalg.eigvalsh(covariance), expected, atol=1e-7)


def test_exact_ensembles_fail_as_often_as_simulated_networks():
    """Against ensembles that are summed network by network from a dense factor."""
    size, models, count = 4, 12, 3000
    inputs = samples.binary_inputs(size, least=2)
    limit = trained_limit("last_layer", np.eye(size), np.eye(size), samples.unit(inputs))
    rng = np.random.default_rng(1)
    noise = rng.multivariate_normal(np.zeros(len(inputs)), limit.covariance, (count, size, models)).mean(axis=2)
    right = samples.right_inputs(limit.mean + noise.transpose(0, 2, 1), inputs, np.zeros(len(inputs))).all(axis=1).sum()
    ours = samples.exact_ensembles("last_layer", size, [models], 20_000, np.random.default_rng(2))[0] / 20_000
    assert binom.cdf(right, count, ours) > 1e-3
    assert binom.sf(right, count, ours) > 1e-3


def test_first_hits_are_those_of_networks_that_join_one_by_one():
    size, draws = 5, 400
    inputs = samples.pairs(size)
    limit = trained_limit("last_layer", np.eye(size), np.eye(size), samples.unit(inputs))
    rng = np.random.default_rng(3)
    root = np.linalg.cholesky(limit.covariance + 1e-14 * np.eye(len(inputs)))
    slow = []
    for _ in range(draws):
        total, models = np.zeros((len(inputs), size)), 0
        while True:
            total += limit.mean + root @ rng.standard_normal((len(inputs), size))
            models += 1
            if samples.right_inputs(total, inputs, np.zeros(len(inputs))).mean() >= 0.9:
                break
        slow.append(models)
    fast = samples.first_hits("last_layer", size, 0.9, 4000, np.random.default_rng(4))
    error = np.hypot(np.std(slow) / math.sqrt(draws), np.std(fast) / math.sqrt(4000))
    assert abs(np.mean(slow) - fast.mean()) < 4 * error


def test_large_ensembles_start_below_every_hit():
    start = bits.models_for_accuracy("last_layer", 8, 2, 0.9) // 4
    assert samples.first_hits("last_layer", 8, 0.9, 2000, np.random.default_rng(5)).min() > start
