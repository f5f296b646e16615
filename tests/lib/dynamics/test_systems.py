"""Systems as series: another integrator, digests, known constants, heart beats; autoregression."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lib.dynamics import autoregression, ecg, systems

FLOWS = {
    "lorenz": (systems.lorenz63_flow(), [1.0, 1.0, 20.0]),
    "rossler": (systems.rossler_flow(), [1.0, 1.0, 0.0]),
}


def lorenz(_, s):
    return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]


def rossler(_, s):
    return [-s[1] - s[2], s[0] + 0.2 * s[1], 0.2 + s[2] * (s[0] - 5.7)]


@pytest.mark.parametrize(("name", "drift"), [("lorenz", lorenz), ("rossler", rossler)])
def test_trajectories_are_those_of_an_adaptive_method_until_chaos_parts_them(name, drift):
    flow, start = FLOWS[name]
    trajectory = systems.sample(flow, start, 300, 0.01, transient=0)
    solved = solve_ivp(drift, (0, 2.99), start, "DOP853", 0.01 * np.arange(300), rtol=1e-12, atol=1e-12).y.T
    np.testing.assert_allclose(trajectory, solved, atol=1e-6)
    coarse, fine, finest = (systems.sample(flow, start, 10, 0.1, 0, substeps) for substeps in (10, 20, 400))
    assert np.abs(coarse - finest).max() / np.abs(fine - finest).max() == pytest.approx(16, rel=0.05)  # order 4
    shifted = systems.sample(flow, start, 10, 0.01, transient=5)
    np.testing.assert_array_equal(shifted[:5], trajectory[5:10])


def test_fixed_points_of_lorenz_are_at_rest():
    for point in systems.lorenz63_fixed_points():
        np.testing.assert_allclose(lorenz(0, point), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("system", "trajectory", "scaled"),
    [
        (systems.lorenz63, "5580d2e0d265f438", "b65c6041e6648fd5"),
        (systems.rossler, "ebf71f4069b090e5", "175608267b080ab0"),
    ],
)
def test_series_are_the_same_to_the_last_bit_on_every_machine(system, trajectory, scaled):
    """Digests of 100 000 samples of little-endian doubles: one other last bit anywhere changes the later attractor."""
    x = system(100_000)
    digests = [hashlib.sha256(v.astype("<f8").tobytes()).hexdigest()[:16] for v in (x, systems.standardise(x)[0])]
    assert digests == [trajectory, scaled]


def test_moments_of_a_series_are_exactly_rounded():
    x = np.random.default_rng(0).standard_normal((1001, 2)) * [1.0, 1e6] + [1e8, 0.0]
    scaled, mean, _ = systems.standardise(x)
    order = np.random.default_rng(1).permutation(len(x))  # any order of addition gives the same bits
    np.testing.assert_array_equal(systems.standardise(x[order])[0], scaled[order])
    exact = [sum(Fraction(v) for v in column) / len(x) for column in x.T.tolist()]
    np.testing.assert_allclose(mean, [float(v) for v in exact], rtol=2**-52)


def test_flows_that_leave_every_bound_are_refused():
    burst = systems.QuadraticFlow(np.zeros(1), np.zeros((1, 1)), np.array([[0, 0, 0]]), np.ones(1))  # x' = x^2
    with pytest.raises(ValueError, match="stay finite"):
        systems.sample(burst, [1.0], 500, 0.1, 0)
    np.testing.assert_allclose(systems.sample(burst, [1.0], 6, 0.1, 0)[:, 0], 1 / (1 - 0.1 * np.arange(6)), rtol=1e-6)


def test_series_have_the_known_range_and_period():
    spiral, _, _ = systems.standardise(systems.rossler(4000))
    np.testing.assert_allclose(spiral.std(0), 1)
    up = np.flatnonzero((spiral[:-1, 0] < 0) & (spiral[1:, 0] >= 0))
    assert 0.08 * np.diff(up).mean() == pytest.approx(5.86, abs=0.1)  # mean return time of the Rössler attractor
    lobes = systems.lorenz63(20_000)
    assert lobes[:, 2].mean() == pytest.approx(23.55, abs=0.3)
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
    x = systems.lorenz63(20_000)[:, 0]
    assert ecg.first_minimum_delay(x) == pytest.approx(17, abs=3)  # known for Lorenz's x at dt = 0.01


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


def test_q_waves_are_the_troughs_before_the_peaks():
    x = np.zeros(200)
    for peak in (4, 54, 104, 154):  # the tenth of a distance of 50 begins before the first one
        x[peak], x[peak - 3], x[peak - 9] = 5, -1, -2
    np.testing.assert_array_equal(ecg.q_troughs(x), [51, 101, 151])
    assert len(ecg.q_troughs(np.zeros(50))) == 0
    assert ecg.share_of_commonest(np.array([2, 1, 2, 2])) == 0.75
    assert np.isnan(ecg.share_of_commonest(np.array([])))


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
    run = autoregression.run_var(np.full(2, 0.3), a, x[100:102], np.zeros((1, 2)))
    np.testing.assert_allclose(run[0], 0.3 + a[0] @ x[101] + a[1] @ x[100])
    t = np.arange(300) * 0.1
    wave = np.stack([np.sin(t), np.cos(t)], axis=1)
    fitted = autoregression.fit_var(wave, 1)
    np.testing.assert_allclose(autoregression.run_var(*fitted[:2], wave[:1], np.zeros((299, 2))), wave[1:], atol=1e-9)
    pushed = autoregression.run_var(np.full(2, 0.3), a, x[100:102], np.ones((1, 2)))
    np.testing.assert_allclose(pushed[0], run[0] + 1)
    steep = autoregression.run_var(np.zeros(1), np.full((1, 1, 1), 3.0), np.ones((1, 1)), np.zeros((100, 1)))
    np.testing.assert_allclose(steep[:, 0], 3.0 ** np.arange(1, 9))  # 3^9 passes the bound of 10^4
    with pytest.raises(ValueError, match="order"):
        autoregression.fit_var(wave, 0)


def test_an_autoregression_runs_with_the_variance_of_its_series():
    """x_t = 0.9 x_{t-1} + e has variance 1 / (1 - 0.81) with innovations, and none in its mean."""
    rng, x = np.random.default_rng(0), np.zeros((20_000, 1))
    for t in range(1, len(x)):
        x[t] = 0.9 * x[t - 1] + rng.standard_normal()
    mean, *noisy = autoregression.free_var_runs(x, 1, 20_000, 2, rng)
    assert mean.shape == noisy[0].shape == noisy[1].shape == x.shape
    assert np.var(noisy) == pytest.approx(1 / 0.19, rel=0.1)
    assert mean[1000:].var() < 1e-12
    assert len({run[0, 0] for run in (mean, *noisy)}) == 3
