"""Risks of linear functions on populations, beside integrals and enumeration."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from lib.probing.restricted import (
    Population,
    best_linear_risk,
    class_logistic_fit,
    climb_ratio,
    logistic_risk,
    negative_log_ratio,
    sine_population,
    xor_population,
    zero_one_risk,
)


def test_probabilities_of_the_blobs_are_those_of_their_densities():
    population = xor_population(50, np.random.default_rng(0))
    corners = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]]) * 1.5
    density = np.array([stats.multivariate_normal(c, 0.25 * np.eye(2)).pdf(population.x) for c in corners])
    np.testing.assert_allclose(population.p, density[:2].sum(0) / density.sum(0), atol=1e-12)


def test_floors_are_integrals():
    population = sine_population(20_000)

    def p(x):
        return 0.5 + 0.4 * np.sin(4 * x)

    entropy = integrate.quad(lambda x: -p(x) * np.log(p(x)) - (1 - p(x)) * np.log(1 - p(x)), -1, 1)[0] / 2
    least = integrate.quad(lambda x: min(p(x), 1 - p(x)), -1, 1, points=[0, np.pi / 4, -np.pi / 4])[0] / 2
    assert population.logistic_floor() == pytest.approx(entropy, abs=1e-7)
    assert population.zero_one_floor() == pytest.approx(least, abs=1e-7)


def test_risks_of_a_function_are_means_over_labels():
    rng = np.random.default_rng(0)
    population = Population(rng.normal(size=(6, 2)), rng.random(6))
    w, b = np.array([1.0, -2.0]), 0.3
    scores = population.x @ w + b
    losses = [[np.log1p(np.exp(s)), np.log1p(np.exp(-s))] for s in scores]
    expected = np.mean([(1 - p) * first + p * second for p, (first, second) in zip(population.p, losses)])
    assert logistic_risk(population, w, b) == pytest.approx(expected)
    wrong = np.mean([p if s < 0 else 1 - p for p, s in zip(population.p, scores)])
    assert zero_one_risk(population, w, b) == pytest.approx(wrong)
    assert zero_one_risk(population, 0 * w, 0.0) == 0.5


def test_the_fitted_optimum_is_stationary_and_least():
    population = sine_population(2000)
    w, b = class_logistic_fit(population)
    peer = optimize.minimize(lambda v: logistic_risk(population, v[:1], v[1]), [0.0, 0.0])
    assert logistic_risk(population, w, b) == pytest.approx(peer.fun, abs=1e-8)


def test_the_best_line_is_that_of_enumeration():
    rng = np.random.default_rng(1)
    population = Population(rng.normal(size=(9, 1)), rng.random(9))
    cuts = np.append(-np.inf, np.sort(population.x[:, 0]))
    risks = [
        np.mean(np.where((population.x[:, 0] > cut) == sign, 1 - population.p, population.p))
        for cut in cuts
        for sign in (True, False)
    ]
    assert best_linear_risk(population) == pytest.approx(min(risks))
    plane = Population(rng.normal(size=(7, 2)), rng.random(7))
    random = [zero_one_risk(plane, rng.normal(size=2), rng.normal()) for _ in range(20_000)]
    assert best_linear_risk(plane, 720) == pytest.approx(min(random), abs=1e-12)
    with pytest.raises(ValueError, match="3 dimensions"):
        best_linear_risk(Population(np.zeros((2, 3)), np.zeros(2)))


def test_the_least_risk_of_lines_on_the_blobs():
    population = xor_population(100_000, np.random.default_rng(0))
    assert best_linear_risk(population) == pytest.approx(0.261, abs=0.005)
    assert population.zero_one_floor() == pytest.approx(0.0027, abs=0.0005)
    assert population.logistic_floor() == pytest.approx(0.0076, abs=0.001)
    w, b = class_logistic_fit(population)
    assert logistic_risk(population, w, b) == pytest.approx(np.log(2), abs=1e-3)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_gradient_of_the_ratio_is_that_of_differences(classes):
    rng = np.random.default_rng(classes)
    flat = rng.standard_normal(2 * 3 * classes)
    value, gradient = negative_log_ratio(flat, classes)
    assert np.isfinite(value)
    numeric = optimize.approx_fprime(flat, lambda v: negative_log_ratio(v, classes)[0], 1e-7)
    np.testing.assert_allclose(gradient, numeric, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_climbs_come_near_the_constant_and_never_above(classes):
    # with more classes the constant is the limit in which those beyond two have no probability
    assert (0.999 if classes == 2 else 0.98) < climb_ratio(classes, 20, np.random.default_rng(0)) <= 1
