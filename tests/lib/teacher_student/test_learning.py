"""Learners on fresh teachers, against variances, fixed points and known levels."""

import numpy as np
import pytest

from lib.linalg.random_matrix import mmse
from lib.teacher_student import learning
from lib.teacher_student import quadratic as q


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_labels_of_a_noiseless_network_are_those_of_its_matrix(rng):
    s, x, y = learning.sample_network(8, 5, 30, rng)
    np.testing.assert_allclose(y, q.network_outputs(x, s))


def test_noise_inside_the_hidden_units_adds_its_variance_to_the_mean_label(rng):
    d, deviation = 6, 0.7
    s, _, y = learning.sample_network(d, 3, 200_000, rng, deviation)
    assert np.mean(y) == pytest.approx(np.trace(s) / d + deviation**2, rel=0.01)


def test_reduced_labels_are_the_linear_measurements_up_to_a_constant(rng):
    d = 10
    s, x, y = learning.sample_network(d, 5, 200, rng)
    difference = learning.reduced_labels(y, d) - q.forward(x, s)
    np.testing.assert_allclose(difference, (np.trace(s) - d * np.mean(y)) / np.sqrt(d))


@pytest.mark.parametrize("sensing", ["rank1", "goe"])
def test_message_passing_descends_to_the_bayes_error(rng, sensing):
    d, kappa, alpha, noise = 40, 0.5, 0.2, 0.5
    measurements = learning.sample_measurements(d, int(kappa * d), int(alpha * d**2), rng, noise, sensing)
    errors, converged = learning.message_passing_errors(measurements, kappa, noise, iterations=150)
    assert converged
    assert errors.shape == (151,)
    assert errors[0] == q.frobenius_error(np.eye(d), measurements.teacher, kappa)
    if sensing == "goe":  # converged: the last error is repeated
        assert errors[-1] == errors[-2]
    assert errors[-1] == pytest.approx(float(mmse(alpha, kappa, noise)[0]), rel=0.2)


def test_sensing_kinds_share_the_teacher_and_others_are_refused():
    teachers = [
        learning.sample_measurements(5, 3, 4, np.random.default_rng(0), sensing=kind).teacher
        for kind in ("rank1", "goe")
    ]
    np.testing.assert_array_equal(*teachers)
    with pytest.raises(ValueError, match="sensing"):
        learning.sample_measurements(5, 3, 4, np.random.default_rng(0), sensing="other")


def test_baselines_reach_their_known_levels(rng):
    """Identity: 1. Minimum norm: 1 - 2 alpha, as for a Gaussian prior. Constant: 1 + kappa, as for S_hat = 0."""
    d, kappa, alpha, teachers = 30, 0.5, 0.1, 12
    runs = [
        learning.baseline_errors(d, int(kappa * d), int(alpha * d**2), np.logspace(-3, 3, 7), 4000, rng)
        for _ in range(teachers)
    ]
    errors = dict(zip(learning.BASELINES, np.mean([errors for errors, _ in runs], axis=0)))
    assert errors["identity"] == pytest.approx(1 + 1 / d, abs=0.12)
    assert errors["min_norm"] == pytest.approx((1 - 2 * alpha) * errors["identity"], abs=0.06)
    assert errors["ridge"] < errors["identity"]
    assert errors["constant"] == pytest.approx(errors["identity"] + kappa, abs=0.06)
    assert all(1e-3 <= penalty <= 1e3 for _, penalty in runs)
