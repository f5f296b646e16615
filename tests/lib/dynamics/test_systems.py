"""Systems as series: fixed steps of another integrator, known constants, heart beats; autoregression."""

import numpy as np
import pytest

from lib.dynamics import autoregression, ecg, systems


def test_lorenz_is_the_trajectory_of_small_fixed_steps():
    def drift(s):
        x, y, z = s
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    trajectory = systems.lorenz63(100, 0.01, transient=0)
    s, h, samples = trajectory[0].copy(), 0.001, [trajectory[0]]
    for n in range(1, 991):
        k1 = drift(s)
        k2 = drift(s + h / 2 * k1)
        k3 = drift(s + h / 2 * k2)
        k4 = drift(s + h * k3)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        if n % 10 == 0:
            samples.append(s)
    np.testing.assert_allclose(trajectory, samples, atol=1e-5)
    for point in systems.lorenz63_fixed_points():
        np.testing.assert_allclose(drift(point), 0, atol=1e-12)


def test_series_have_the_known_range_and_period():
    rossler, _, _ = systems.standardise(systems.rossler(4000))
    np.testing.assert_allclose(rossler.std(0), 1)
    up = np.flatnonzero((rossler[:-1, 0] < 0) & (rossler[1:, 0] >= 0))
    assert 0.08 * np.diff(up).mean() == pytest.approx(5.86, abs=0.1)  # mean return time of the Rössler attractor
    lorenz = systems.lorenz63(20_000)
    assert lorenz[:, 2].mean() == pytest.approx(23.55, abs=0.3)
    with pytest.raises(ValueError, match="steps"):
        systems.lorenz63(0)
    with pytest.raises(ValueError, match="standard deviations"):
        systems.standardise(np.ones((5, 2)))


def test_synthetic_ecg_beats_once_a_second():
    x = ecg.synthetic_ecg(6000, np.random.default_rng(0))
    gaps = np.diff(ecg.r_peaks(x)) / 100
    assert len(gaps) == pytest.approx(59, abs=2)
    assert gaps.mean() == pytest.approx(1, abs=0.02)
    assert 0.015 < gaps.std() < 0.05
    regular = ecg.synthetic_ecg(1000, np.random.default_rng(0), variability=0.0)
    np.testing.assert_allclose(regular[:800], regular[100:900], atol=2e-3 * np.ptp(regular))
    with pytest.raises(ValueError, match="variability"):
        ecg.synthetic_ecg(2000, np.random.default_rng(0), variability=0.5)


def test_embedding_and_its_delay():
    x = np.arange(10.0)
    np.testing.assert_array_equal(ecg.delay_embedding(x, 3, 2)[1], [1, 3, 5])
    assert ecg.delay_embedding(x, 3, 2).shape == (6, 3)
    with pytest.raises(ValueError, match="samples"):
        ecg.delay_embedding(x, 6, 2)
    lorenz = systems.lorenz63(20_000)[:, 0]
    assert ecg.first_minimum_delay(lorenz) == pytest.approx(17, abs=3)  # known for Lorenz's x at dt = 0.01


def test_mutual_information_of_a_gaussian_process():
    rng, rho = np.random.default_rng(0), 0.8
    noise, x = rng.standard_normal(100_000), np.zeros(100_000)
    for t in range(1, len(x)):
        x[t] = rho * x[t - 1] + noise[t]
    for lag in (1, 2):
        assert ecg.mutual_information(x, lag) == pytest.approx(-0.5 * np.log(1 - rho ** (2 * lag)), abs=0.03)


def test_words_of_beats():
    x = np.zeros(100)
    x[[20, 50, 80]] = 5
    code = np.zeros(100, int)
    for peak in (20, 50, 80):
        code[peak : peak + 3], code[peak + 3 : peak + 6] = 2, 1
    np.testing.assert_array_equal(ecg.r_peaks(x), [20, 50, 80])
    assert ecg.beat_words(x, code) == [(2, 1, 0)] * 3
    assert ecg.beat_words(x, code[:84]) == [(2, 1, 0)] * 2
    assert ecg.top_word_share([(2, 1), (0, 1), (2, 1), (1, 1)]) == 0.5
    assert np.isnan(ecg.top_word_share([]))


def test_of_two_close_peaks_the_first_one_is_a_beat():
    x = np.zeros(200)
    x[[20, 50, 80, 110, 140, 170]] = 5
    x[[26, 77]] = 4, 6
    np.testing.assert_array_equal(ecg.r_peaks(x), [20, 50, 77, 110, 140, 170])
    assert len(ecg.r_peaks(np.zeros(50))) == 0


def test_autoregression_recovers_its_own_coefficients():
    rng = np.random.default_rng(0)
    a = np.array([[[0.5, 0.2], [-0.3, 0.4]], [[0.1, 0.0], [0.0, -0.2]]])
    x = np.zeros((20_000, 2))
    for t in range(2, len(x)):
        x[t] = 0.3 + a[0] @ x[t - 1] + a[1] @ x[t - 2] + 0.1 * rng.standard_normal(2)
    constant, coefficients, covariance = autoregression.fit_var(x, 2)
    np.testing.assert_allclose(coefficients, a, atol=0.03)
    np.testing.assert_allclose(constant, 0.3, atol=0.03)
    np.testing.assert_allclose(covariance, 0.01 * np.eye(2), atol=5e-4)
    run = autoregression.run_var(np.full(2, 0.3), a, x[100:102], 1)
    np.testing.assert_allclose(run[0], 0.3 + a[0] @ x[101] + a[1] @ x[100])
    t = np.arange(300) * 0.1
    wave = np.stack([np.sin(t), np.cos(t)], axis=1)
    fitted = autoregression.fit_var(wave, 1)
    np.testing.assert_allclose(autoregression.run_var(*fitted[:2], wave[:1], 299), wave[1:], atol=1e-9)
    assert len(autoregression.run_var(np.zeros(1), np.full((1, 1, 1), 3.0), np.ones((1, 1)), 100)) < 20
    with pytest.raises(ValueError, match="order"):
        autoregression.fit_var(wave, 0)


def test_an_autoregression_runs_with_the_variance_of_its_series():
    """x_t = 0.9 x_{t-1} + e has variance 1 / (1 - 0.81) with innovations, and none in its mean."""
    rng, x = np.random.default_rng(0), np.zeros((20_000, 1))
    for t in range(1, len(x)):
        x[t] = 0.9 * x[t - 1] + rng.standard_normal()
    mean, noisy = autoregression.free_var_runs(x, 1, 20_000, rng)
    assert mean.shape == noisy.shape == x.shape
    assert noisy.var() == pytest.approx(1 / 0.19, rel=0.15)
    assert mean[1000:].var() < 1e-12
    assert noisy[0] != mean[0]
