"""Attacks against their prediction and a direct simulation; screened regressions against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression

from lib.privacy.analysts import (
    ReconstructionAttack,
    SignAttack,
    fixed_query_bound,
    random_bits,
    sign_attack_bias,
    sign_attack_limit,
    total_variation,
)
from lib.privacy.queries import Gaussian, Naive
from lib.privacy.selection import (
    correlation_selection,
    freedman_selection,
    regression_report,
    screened_regressions,
    select_and_score,
    signed_features,
    vote_query,
)


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
        inside += attack.largest_errors()["naive"] <= fixed_query_bound(n, n, 0.05)
    assert inside >= 38


def test_fixed_queries_stay_within_the_bound_whose_exact_probability_is_binomial():
    n, m, level = 200, 50, 0.05
    bound = fixed_query_bound(n, m, level)
    misses = stats.binom.cdf(np.ceil(n * (0.5 - bound)) - 1, n, 0.5) + stats.binom.sf(n * (0.5 + bound), n, 0.5)
    assert 0 < m * misses <= level


def test_reconstruction_reaches_total_variation():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(32))
    sample = rng.choice(32, 100, p=p)
    attack = ReconstructionAttack(p, {"naive": Naive(sample, 32)}, rng)
    attack.ask(20000)
    variation = total_variation(sample, p)
    best = (np.bincount(sample, minlength=32) / 100 > p).astype(float)
    assert best[sample].mean() - best @ p == pytest.approx(variation)  # the subset of all points sampled too often
    error = attack.last_errors()["naive"]
    assert 0.97 * variation <= error <= variation + 1e-6
    assert attack.largest_errors()["naive"] == max(attack.worst["naive"], error)


def test_random_bits_are_fair_and_of_any_width():
    bits = random_bits(2000, 13, np.random.default_rng(0))
    assert bits.shape == (2000, 13)
    assert stats.binomtest(int(bits.sum()), bits.size).pvalue > 1e-3


def test_regression_report_agrees_with_scikit_learn_and_scipy():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((60, 3)), rng.standard_normal(60)
    x_new, y_new = rng.standard_normal((500, 3)), rng.standard_normal(500)
    report = regression_report(x, y, x_new, y_new)
    model = LinearRegression().fit(x, y)
    assert report["r2"] == pytest.approx(model.score(x, y))
    assert report["fresh_r2"] == pytest.approx(model.score(x_new, y_new))
    one = regression_report(x[:, :1], y, x_new[:, :1], y_new)
    assert one["p_value"] == pytest.approx(stats.linregress(x[:, 0], y).pvalue)
    assert regression_report(x[:, :0], y, x_new[:, :0], y_new)["r2"] == 0.0


def test_screening_keeps_its_level_and_the_f_test_is_uniform_without_it():
    rng = np.random.default_rng(2)
    share, p = [], []
    for _ in range(200):
        x, y = rng.standard_normal((60, 10)), rng.standard_normal(60)
        share.append(freedman_selection(x, y, 0.25).mean())
        p.append(regression_report(x, y, x, y)["p_value"])
    assert np.mean(share) == pytest.approx(0.25, abs=4 * 0.25 / np.sqrt(200 * 10) * 2)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_features_are_chosen_by_training_rank_among_those_both_sets_show():
    y = np.array([1, 1, -1, -1])
    x = np.stack([y, -y, y * [1, 1, 1, -1], [1, -1, 1, -1]], axis=1).astype(float)
    scores = select_and_score((x, y), (x, y), (x, y), [1, 2], lambda train, holdout: holdout)
    np.testing.assert_array_equal(scores["fresh"], [1.0, 1.0])
    x, y = signed_features(4000, 3, 1, 0.5, np.random.default_rng(0))
    np.testing.assert_allclose(y @ x / 4000, [0.5, 0, 0], atol=0.07)


def test_correlation_screening_is_numpys_ranking_on_centred_data():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((31, 8)), rng.standard_normal(31)
    x, y = x - x.mean(axis=0), y - y.mean()
    strength = [abs(np.corrcoef(column, y)[0, 1]) for column in x.T]
    assert set(np.flatnonzero(correlation_selection(x, y, 3))) == set(np.argsort(strength)[-3:])
    with pytest.raises(ValueError, match="count: got 0, expected 1 to 8"):
        correlation_selection(x, y, 0)


def test_only_the_refit_on_the_screening_data_is_invalid():
    rng = np.random.default_rng(4)

    def draw(n):
        return rng.standard_normal((n, 20)), rng.standard_normal(n)

    p = {route: [] for route in ("same data", "fresh sample", "split sample")}
    for _ in range(200):
        reports, count = screened_regressions(draw(60), draw(60), draw(30), 0.25)
        assert 0 <= count <= 20
        for route, report in reports.items():
            p[route].append(report["p_value"])
    assert np.mean(np.array(p["same data"]) < 0.05) > 0.5
    for route in ("fresh sample", "split sample"):
        assert stats.kstest(np.array(p[route])[np.array(p[route]) < 1], "uniform").pvalue > 1e-3


def test_a_vote_query_is_the_majority_of_the_strongest_features():
    bits = random_bits(7, 50, np.random.default_rng(5))
    answers = bits.mean(axis=1)
    strongest = np.argsort(-np.abs(answers - 0.5), kind="stable")[:3]
    agrees = np.where(answers[strongest, None] > 0.5, bits[strongest], 1 - bits[strongest])
    np.testing.assert_array_equal(vote_query(bits.astype(float), answers, 3), agrees.sum(axis=0) >= 2)
