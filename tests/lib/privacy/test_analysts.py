"""Attacks against their prediction and a direct simulation; screened regressions against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from lib.privacy.analysts import ReconstructionAttack, SignAttack, random_bits, sign_attack_bias, sign_attack_limit
from lib.privacy.queries import Gaussian, Naive
from lib.privacy.selection import freedman_selection, regression_report, select_and_score, signed_features


def test_the_limit_inverts_the_bias():
    for sigma in (0.0, 0.04):
        assert sign_attack_bias(sign_attack_limit(700, 0.15, sigma), 700, sigma) == pytest.approx(0.15)
    assert sign_attack_limit(1000, 0.15) / 1000 == pytest.approx(0.233, abs=1e-3)


@pytest.mark.parametrize("sigma", [0.0, 0.05])
def test_the_sign_attack_is_as_bad_as_predicted(sigma):
    n, errors = 500, []
    for seed in range(30):
        oracle = (
            Gaussian(np.arange(n), n, sigma, np.random.default_rng(100 + seed)) if sigma else Naive(np.arange(n), n)
        )
        attack = SignAttack(n, {"it": oracle}, np.random.default_rng(seed))
        attack.ask(n - 1)
        errors.append(attack.last_answers()["it"] - 0.5)
    spread = 4 * np.std(errors) / np.sqrt(30)
    assert np.mean(errors) == pytest.approx(sign_attack_bias(n, n, sigma), abs=spread)


def test_the_sign_attack_is_the_attack_written_out():
    n, m = 60, 41
    attack = SignAttack(n, {"naive": Naive(np.arange(n), n)}, np.random.default_rng(3), chunk=7)
    attack.ask(m - 1)
    rng = np.random.default_rng(3)
    z = 2.0 * np.concatenate([random_bits(min(7, m - 1 - i), n, rng) for i in range(0, m - 1, 7)]) - 1
    means = (1 + z).mean(axis=1) / 2
    votes = np.where(means >= 0.5, 1, -1) @ z
    assert attack.worst["naive"] == pytest.approx(np.abs(means - 0.5).max())
    assert attack.last_answers()["naive"] == pytest.approx(np.mean(0.5 * (1 + np.sign(votes))))


def test_a_control_that_ignores_the_answers_stays_within_the_union_bound():
    n = 400
    inside = 0
    for seed in range(40):
        attack = SignAttack(n, {"naive": Naive(np.arange(n), n)}, np.random.default_rng(seed), control=True)
        attack.ask(n - 1)
        error = max(attack.worst["naive"], abs(attack.last_answers()["naive"] - 0.5))
        inside += error <= np.sqrt(np.log(2 * n / 0.05) / (2 * n))
    assert inside >= 38


def test_reconstruction_reaches_total_variation():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(32))
    sample = rng.choice(32, 100, p=p)
    attack = ReconstructionAttack(p, {"naive": Naive(sample, 32)}, rng)
    attack.ask(20000)
    variation = 0.5 * np.abs(np.bincount(sample, minlength=32) / 100 - p).sum()
    error = attack.last_errors()["naive"]
    assert 0.97 * variation <= error <= variation + 1e-6


def test_random_bits_are_fair_and_of_any_width():
    bits = random_bits(2000, 13, np.random.default_rng(0))
    assert bits.shape == (2000, 13)
    assert stats.binomtest(int(bits.sum()), bits.size).pvalue > 1e-3


def test_regression_report_agrees_with_scikit_learn_and_scipy():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((60, 3)), rng.standard_normal(60)
    x_new, y_new = rng.standard_normal((500, 3)), rng.standard_normal(500)
    found = regression_report(x, y, x_new, y_new)
    model = LinearRegression().fit(x, y)
    assert found["r2"] == pytest.approx(model.score(x, y))
    assert found["fresh_r2"] == pytest.approx(model.score(x_new, y_new))
    one = regression_report(x[:, :1], y, x_new[:, :1], y_new)
    assert one["p_value"] == pytest.approx(stats.linregress(x[:, 0], y).pvalue)
    assert regression_report(x[:, :0], y, x_new[:, :0], y_new)["r2"] == 0.0


def test_screening_keeps_its_level_and_the_f_test_is_uniform_without_it():
    rng = np.random.default_rng(2)
    kept, p = [], []
    for _ in range(200):
        x, y = rng.standard_normal((60, 10)), rng.standard_normal(60)
        kept.append(freedman_selection(x, y, 0.25).mean())
        p.append(regression_report(x, y, x, y)["p_value"])
    assert np.mean(kept) == pytest.approx(0.25, abs=4 * 0.25 / np.sqrt(200 * 10) * 2)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_features_are_chosen_by_training_rank_among_those_both_sets_show():
    y = np.array([1, 1, -1, -1])
    x = np.stack([y, -y, y * [1, 1, 1, -1], [1, -1, 1, -1]], axis=1).astype(float)
    scores = select_and_score((x, y), (x, y), (x, y), [1, 2], lambda train, holdout: holdout)
    np.testing.assert_array_equal(scores["fresh"], [1.0, 1.0])
    x, y = signed_features(4000, 3, 1, 0.5, np.random.default_rng(0))
    np.testing.assert_allclose(y @ x / 4000, [0.5, 0, 0], atol=0.07)
