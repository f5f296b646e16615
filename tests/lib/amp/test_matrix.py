"""GAMP-RIE against its state evolution, the Bayes error and the explicit tensor form."""

import numpy as np
import pytest

from lib.amp import matrix as amp
from lib.linalg.random_matrix import mmse
from lib.teacher_student import quadratic as q
from lib.teacher_student.learning import sample_measurements


@pytest.mark.parametrize(
    ("kappa", "alpha", "noise"), [(0.5, 0.1, 0), (0.5, 0.3, 0), (0.3, 0.2, 0), (0.5, 0.2, 0.5), (2, 0.4, 0.5)]
)
def test_fixed_point_of_state_evolution_is_the_bayes_error(kappa, alpha, noise):
    assert amp.state_evolution(alpha, kappa, noise, 100)[-1] == pytest.approx(mmse(alpha, kappa, noise)[0], abs=1e-8)


def test_first_iterates_of_state_evolution():
    errors = amp.state_evolution(0.3, 0.5, 0.0, 41)
    np.testing.assert_allclose(
        errors[[1, 2, 3, 6, 11, 41]], [0.5274, 0.3664, 0.2874, 0.1922, 0.1483, 0.1282], atol=6e-5
    )


def test_one_iteration_equals_the_explicit_tensor_form():
    rng = np.random.default_rng(0)
    d, n, kappa = 12, 40, 0.5
    x = rng.standard_normal((n, d))
    phi = (x[:, :, None] * x[:, None, :] - np.eye(d)) / np.sqrt(d)
    y = np.einsum("nij,ij->n", phi, q.sample_teacher(d, 6, rng))
    state = amp.init(d, n, kappa)
    state, _, _ = amp.step(state, q.RankOne(x), y, 0.1, amp.rie(kappa))
    new, observed, _ = amp.step(state, q.RankOne(x), y, 0.1, amp.rie(kappa))
    omega = 0.5 * (np.einsum("nij,ij->n", phi, state.estimate) - state.g * state.variance) + 0.5 * state.omega
    v = 0.5 * state.variance + 0.5 * state.smoothed
    g = (y - omega) / (0.1 + v)
    precision = 2 * n / d**2 * np.mean(g**2)
    np.testing.assert_allclose(new.g, g, rtol=1e-10)
    np.testing.assert_allclose(observed, state.estimate + np.einsum("n,nij->ij", g, phi) / (precision * d), rtol=1e-9)


def test_reaches_the_bayes_error_and_needs_the_onsager_term():
    rng = np.random.default_rng(3)
    d, kappa, alpha = 60, 0.5, 0.2
    teacher = q.sample_teacher(d, int(kappa * d), rng)
    sensing = q.RankOne(rng.standard_normal((int(alpha * d * d), d)))
    y = sensing.forward(teacher)

    def error(s):
        return float(q.frobenius_error(s, teacher, kappa))

    run = amp.gamp(sensing, y, kappa, 0.0, error=error)
    assert run.errors[0] == pytest.approx(1, abs=0.2)
    assert run.errors[-1] == pytest.approx(float(mmse(alpha, kappa)[0]), rel=0.2)
    assert amp.gamp(sensing, y, kappa, 0.0, error=error, onsager=False).errors[-1] > 1.2 * run.errors[-1]


def _run(d, alpha, seed, start=None):
    kappa = 0.5
    rng = np.random.default_rng([seed, d, 50, int(1000 * alpha), 7])
    measurements = sample_measurements(d, int(kappa * d), int(alpha * d * d), rng, 0.0, "rank1")
    return amp.gamp(
        measurements.sensing, measurements.labels, kappa, 0.0,
        error=lambda s: float(q.frobenius_error(s, measurements.teacher, kappa)),
    )  # fmt: skip


def test_a_frozen_run_is_started_again(monkeypatch):
    """From the prior this teacher's run freezes: its variance collapses, its residuals do not."""
    bayes = float(mmse(0.1, 0.5)[0])
    run = _run(40, 0.1, 1)
    assert run.converged
    assert run.errors[-1] == pytest.approx(bayes, rel=0.2)
    monkeypatch.setattr(amp, "damped_init", amp.init)
    frozen = _run(40, 0.1, 1)
    assert not frozen.converged
    assert frozen.consistency > 1e3
    assert frozen.errors[-1] > 1.3 * bayes


def test_a_run_without_enough_data_says_that_it_did_not_converge():
    run = _run(40, 0.05, 1)
    assert not run.converged
    assert run.errors[-1] > 1.3


def test_a_converged_run_is_a_fixed_point():
    run = _run(60, 0.2, 1)
    assert run.movement < 1e-6
    assert run.consistency == pytest.approx(1, abs=0.2)


def test_bad_arguments_are_named():
    sensing = q.RankOne(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="expected \\(5,\\)"):
        amp.gamp(sensing, np.zeros(4), 0.5, 0.0, error=np.sum)
    with pytest.raises(ValueError, match="damping"):
        amp.gamp(sensing, np.zeros(5), 0.5, 0.0, error=np.sum, damping=1.0)
