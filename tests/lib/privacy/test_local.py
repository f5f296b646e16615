"""Local privacy: calibrations against quadrature and enumeration, the randomiser against its moments, the ledger."""

import math

import mpmath
import numpy as np
import pytest
from scipy import stats

from lib.privacy.audit import event_epsilon
from lib.privacy.local import (
    UserLedger,
    analytic_gaussian_sigma,
    check_bounded,
    classical_gaussian_sigma,
    clip,
    gaussian_delta,
    l2_randomizer,
    randomizer_radius,
)
from lib.privacy.moments import CALIBRATIONS, mean_noise, moment_noise, release_moments, symmetric_noise


@pytest.mark.parametrize(("epsilon", "sigma", "sensitivity"), [(0.5, 2.0, 1.0), (1.0, 30.0, 16.0), (8.0, 0.4, 1.0)])
def test_delta_is_the_mass_above_the_likelihood_ratio(epsilon, sigma, sensitivity):
    with mpmath.workdps(40):
        threshold = epsilon * sigma**2 / sensitivity + sensitivity / 2
        expected = mpmath.ncdf((sensitivity - threshold) / sigma) - mpmath.exp(epsilon) * mpmath.ncdf(
            -threshold / sigma
        )
    assert gaussian_delta(epsilon, sigma, sensitivity) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 5.0])
def test_analytic_noise_is_the_smallest_that_is_enough(epsilon):
    sigma = analytic_gaussian_sigma(epsilon, 1e-5, 3.0)
    assert gaussian_delta(epsilon, sigma, 3.0) <= 1e-5 < gaussian_delta(epsilon, sigma * (1 - 1e-9), 3.0)
    if epsilon <= 1:
        assert sigma < classical_gaussian_sigma(epsilon, 1e-5, 3.0)


def test_classical_noise_is_enough_and_refuses_large_epsilon():
    for epsilon in (0.05, 0.5, 1.0):
        assert gaussian_delta(epsilon, classical_gaussian_sigma(epsilon, 1e-5, 2.0), 2.0) <= 1e-5
    with pytest.raises(ValueError, match="analytic"):
        classical_gaussian_sigma(1.5, 1e-5, 1.0)
    with pytest.raises(ValueError, match="delta"):
        classical_gaussian_sigma(0.5, 1.0, 1.0)


@pytest.mark.parametrize("dim", [1, 2, 7, 1000])
def test_radius_of_the_randomiser_makes_it_unbiased(dim):
    # mean of |z_1| on the unit sphere, by its density
    if dim == 1:
        mean = 1.0
    else:
        mean = mpmath.quad(lambda t: 2 * t * (1 - t * t) ** ((dim - 3) / 2), [0, 1])
        mean /= mpmath.quad(lambda t: 2 * (1 - t * t) ** ((dim - 3) / 2), [0, 1])
    epsilon = 0.7
    truth = math.exp(epsilon) / (1 + math.exp(epsilon))
    assert randomizer_radius(dim, 2.0, epsilon) * float(mean) * (2 * truth - 1) == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize("length", [0.0, 0.3, 1.0])
def test_randomiser_has_the_stated_moments(length):
    rng = np.random.default_rng(0)
    vector = length * np.array([0.6, -0.8, 0.0])
    sent = l2_randomizer(np.tile(vector, (200_000, 1)), 1.0, 1.0, rng)
    radius = randomizer_radius(3, 1.0, 1.0)
    np.testing.assert_allclose(np.linalg.norm(sent, axis=1), radius)
    np.testing.assert_allclose(sent.mean(0), vector, atol=5 * radius / math.sqrt(3 * len(sent)))
    np.testing.assert_allclose(sent.T @ sent / len(sent), radius**2 / 3 * np.eye(3), atol=0.01 * radius**2)


def test_randomiser_refuses_long_vectors_and_nan():
    for bad in ([[1.1, 0.0]], [[np.nan, 0.0]]):
        with pytest.raises(ValueError, match="vectors"):
            l2_randomizer(np.array(bad), 1.0, 1.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="shape"):
        l2_randomizer(np.ones(2), 2.0, 1.0, np.random.default_rng(0))


def test_an_audit_would_notice_half_the_noise():
    trials = 200_000
    hits = {}
    for epsilon in (1.0, 2.0):  # the second is what is sent by mistake
        hits[epsilon] = [
            int(
                (
                    l2_randomizer(np.tile([sign, 0.0, 0.0, 0.0], (trials, 1)), 1.0, epsilon, np.random.default_rng(1))[
                        :, 0
                    ]
                    > 0
                ).sum()
            )
            for sign in (1.0, -1.0)
        ]
    assert 0.95 < event_epsilon(*hits[1.0], trials) <= 1
    assert event_epsilon(*hits[2.0], trials) > 1.5
    assert event_epsilon(0, 5, 10) == 0


@pytest.mark.parametrize("calibration", CALIBRATIONS)
@pytest.mark.parametrize("dim", [2, 5])
def test_moments_of_two_records_are_never_farther_apart_than_the_sensitivity(calibration, dim):
    """Over corners of the box, where the distance is largest: noise covers the true distance at the nominal budget."""
    rng = np.random.default_rng(dim)
    x = rng.choice([-1.0, 1.0], (400, dim))
    y = rng.choice([-2.0, 2.0], 400)
    epsilon, delta = 1.0, 1e-5
    noise = moment_noise(calibration, dim, 1.0, 2.0, epsilon, delta)
    rows, columns = np.triu_indices(dim)
    square = x[:, rows] * x[:, columns]
    cross = x * y[:, None]
    far = np.subtract(square[:200], square[200:]), np.subtract(cross[:200], cross[200:])
    if calibration == "classical":
        for part, sigma in zip(far, (noise.diagonal, noise.cross)):
            assert gaussian_delta(epsilon / 2, sigma, np.linalg.norm(part, axis=1).max()) <= delta / 2
        return
    scaled = np.hstack([far[0] / np.where(rows == columns, noise.diagonal, noise.off_diagonal), far[1] / noise.cross])
    if calibration == "tight":
        assert gaussian_delta(epsilon, 1.0, np.linalg.norm(scaled, axis=1).max()) <= delta
    else:
        lengths = np.hstack([square * np.where(rows == columns, 1, math.sqrt(2)), cross / 2])
        np.testing.assert_allclose(np.linalg.norm(lengths, axis=1), math.sqrt(dim**2 + dim))


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_releases_add_up_to_the_moments_with_the_stated_noise(calibration):
    rng = np.random.default_rng(0)
    n, dim, repeats = 400, 3, 600
    x = rng.uniform(-1, 1, (n, dim))
    y = rng.uniform(-2, 2, n)
    releases = [release_moments(x, y, 1.0, 2.0, 0.8, 1e-4, rng, calibration=calibration) for _ in range(repeats)]
    square = np.stack([one[0] for one in releases]) - x.T @ x
    cross = np.stack([one[1] for one in releases]) - x.T @ y
    np.testing.assert_array_equal(square, np.swapaxes(square, 1, 2))
    noise = moment_noise(calibration, dim, 1.0, 2.0, 0.8, 1e-4)
    simulated = mean_noise(noise, dim, n, (repeats,), rng)
    for sums, means in zip((square, cross), simulated):
        np.testing.assert_allclose((sums / n).std(0), means.std(0), rtol=0.15)
        assert np.abs(sums.mean(0) / (sums.std(0) / math.sqrt(repeats))).max() < 4.5


def test_symmetric_noise_mirrors_one_triangle():
    noise = symmetric_noise(4, 2.0, 0.5, (20_000,), np.random.default_rng(0))
    np.testing.assert_array_equal(noise, np.swapaxes(noise, 1, 2))
    np.testing.assert_allclose(noise.std(0), np.where(np.eye(4, dtype=bool), 2.0, 0.5), rtol=0.03)
    assert stats.kstest(noise[:, 0, 1] / 0.5, "norm").pvalue > 1e-3


def test_data_out_of_bounds_are_refused_and_clipped_on_request():
    for bad in ([[1.5]], [[np.nan]], [[np.inf]]):
        with pytest.raises(ValueError, match="x: got"):
            release_moments(np.array(bad), np.zeros(1), 1.0, 1.0, 1.0, 1e-5, np.random.default_rng(0))
    np.testing.assert_array_equal(check_bounded(clip([-3.0, 0.5], 1.0), 1.0, "x"), [-1, 0.5])
    with pytest.raises(ValueError, match="shapes"):
        release_moments(np.zeros((2, 1)), np.zeros(3), 1.0, 1.0, 1.0, 1e-5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="calibration"):
        moment_noise("other", 2, 1.0, 1.0, 1.0, 1e-5)


def test_ledger_adds_what_each_user_spends_and_refuses_reuse():
    ledger = UserLedger(1.0, 1e-5)
    ledger.spend(0, 10, 0.5, 5e-6)
    ledger.spend(5, 20, 0.5, 5e-6)
    assert ledger.spent(0, 5) == (0.5, 5e-6)
    assert ledger.spent(0, 20) == (1.0, 1e-5)
    with pytest.raises(ValueError, match="users 4 to 5"):
        ledger.spend(4, 6, 0.1)
    assert ledger.spent(0, 20) == (1.0, 1e-5)
    ledger.spend(20, 10**12, 1.0)
    for wrong in ((3, 3, 0.1), (-1, 2, 0.1), (0, 1, 0.0)):
        with pytest.raises(ValueError):
            ledger.spend(*wrong)
