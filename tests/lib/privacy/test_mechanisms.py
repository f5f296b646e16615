"""Mechanisms against their exact laws, composition against exact values, and an audit that tries to break them."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from lib.privacy import accounting as a
from lib.privacy import mechanisms as m
from lib.privacy.audit import (
    audit_epsilon,
    exponential_scores,
    laplace_scores,
    multiplicative_weights_scores,
    sparse_vector_scores,
)


def test_noise_has_the_calibrated_law():
    rng = np.random.default_rng(0)
    zeros = np.zeros(20000)
    laplace = m.laplace_mechanism(zeros, 0.5, 0.1, rng)
    assert stats.kstest(laplace, stats.laplace(scale=0.2).cdf).pvalue > 1e-3
    gaussian = m.gaussian_mechanism(zeros, 0.5, 0.1, rng)
    assert stats.kstest(gaussian, stats.norm(scale=0.1).cdf).pvalue > 1e-3


def exponential_law(scores, epsilon, sensitivity):
    weights = np.exp(epsilon * np.asarray(scores) / (2 * sensitivity))
    return weights / weights.sum()


def test_exponential_mechanism_has_the_exponential_law():
    scores = np.array([0.0, 0.3, 0.5, 0.45])
    choices = m.exponential_mechanism(np.tile(scores, (40000, 1)), 2.0, 0.2, np.random.default_rng(1))
    expected = 40000 * exponential_law(scores, 2.0, 0.2)
    assert stats.chisquare(np.bincount(choices, minlength=4), expected).pvalue > 1e-3


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 3.0])
def test_the_exponential_mechanism_is_private_and_transfers_by_enumeration(epsilon):
    """All samples of eight from two points: likelihood ratios of neighbours, and the mean bias, exactly."""
    n, p = 8, 0.3
    truth = np.array([p, 1 - p, 0.5])
    bias = 0.0
    for k in range(n + 1):
        means = np.array([k / n, 1 - k / n, 0.5])
        law = exponential_law(means - truth, epsilon, 1 / n)
        bias += stats.binom.pmf(k, n, p) * law @ (means - truth)
        if k < n:
            other = np.array([(k + 1) / n, 1 - (k + 1) / n, 0.5])
            ratio = np.log(law / exponential_law(other - truth, epsilon, 1 / n))
            assert np.abs(ratio).max() <= epsilon * (1 + 1e-12)
    assert 0 < bias <= math.expm1(epsilon)


def test_advanced_composition_wins_for_many_releases_only():
    assert a.compose_advanced(0.01, 10, 1e-6) > a.compose_basic(0.01, 10)
    assert a.compose_advanced(0.01, 10000, 1e-6) < a.compose_basic(0.01, 10000)


@pytest.mark.parametrize(("sigma", "delta"), [(1.0, 1e-5), (4.0, 1e-6), (0.5, 1e-3)])
def test_zcdp_conversion_is_valid_and_not_far_from_the_exact_gaussian_curve(sigma, delta):
    """Against the exact delta(epsilon) of the Gaussian mechanism (Balle and Wang 2018)."""

    def exact(eps):
        return stats.norm.cdf(0.5 / sigma - eps * sigma) - math.exp(eps) * stats.norm.cdf(-0.5 / sigma - eps * sigma)

    true = brentq(lambda eps: exact(eps) - delta, 0, 60)
    bound = a.zcdp_epsilon(a.gaussian_rho(sigma, 1.0), delta)
    assert true <= bound <= 1.6 * true


def test_a_transfer_error_is_where_the_premises_of_its_theorem_begin_to_hold():
    """At n = 500 and failure 0.05, tau = 0.325 needs 498 samples; the sharp theorem is met at 0.0905 for one side."""
    assert a.transfer_error(0.1, 498, 0.05) == pytest.approx(0.325, abs=1e-3)
    assert a.transfer_error(0.2, 498, 0.05) == 0.4
    assert a.transfer_error(0.05, 500, 0.1, sharp=True) == pytest.approx(0.0905, abs=1e-4)
    assert a.transfer_error(0.2, 500, 0.1, sharp=True) == 0.2


def test_ledger_takes_the_best_theorem():
    ledger = a.PrivacyLedger()
    ledger.spend(0.01, 3)
    assert ledger.epsilon(0.0) == pytest.approx(0.03)
    assert ledger.epsilon(1e-6) == pytest.approx(0.03)
    ledger.spend(0.01, 9997)
    assert ledger.epsilon(1e-6) < 0.1 * ledger.epsilon(0.0)
    ledger.spend_rho(0.1)
    assert ledger.epsilon(0.0) == math.inf
    assert ledger.epsilon(1e-6) == pytest.approx(a.zcdp_epsilon(0.1 + 10000 * 0.01**2 / 2, 1e-6))


def test_scores_of_the_audit_have_the_laws_of_their_mechanisms():
    size, epsilon, trials = 20, 1.0, 8000
    rng = np.random.default_rng(4)
    for neighbour in (0, 1):
        laplace = laplace_scores(size, epsilon)(neighbour, trials, rng)
        law = stats.laplace(neighbour / size, 1 / (size * epsilon))
        assert stats.kstest(laplace, law.cdf).pvalue > 1e-3
        index = exponential_scores(size, epsilon)(neighbour, trials, rng)
        share = exponential_law([0, neighbour / size], epsilon, 1 / size)[1]
        assert stats.binomtest(int(index.sum()), trials, share).pvalue > 1e-3
        # the first value of a stream exceeds its threshold when Lap(4/n) - Lap(2/n) exceeds -+1/2n
        first = sparse_vector_scores(size, epsilon)(neighbour, 2000, rng) == 0
        noise = stats.laplace.rvs(scale=4, size=200000, random_state=5) - stats.laplace.rvs(
            scale=2, size=200000, random_state=6
        )
        assert np.mean(first) == pytest.approx(np.mean(noise > 0.5 - neighbour), abs=0.04)
        # the stream ends at its second query when both |noisy mean - 1/2| and that after an update are far: T = b
        ends = multiplicative_weights_scores(size, epsilon)(neighbour, 2000, rng)
        assert ends.min() >= 1
        assert np.mean(ends == 1) == pytest.approx(two_updates_at_once(neighbour, size, 9 / (size * epsilon)), abs=0.04)


def two_updates_at_once(neighbour, size, b):
    """Chance that the first two queries for ones are both far from the hypothesis, by simulation of its definition."""
    rng = np.random.default_rng(7)
    count = 200000
    shift, noise, answer, again, more = rng.laplace(scale=[[b / 2], [b], [b], [b / 2], [b]], size=(5, count))
    mean = neighbour / size
    first = np.abs(mean + noise - 0.5) > b + shift
    weight = np.exp(0.5 * b * np.sign(mean + answer - 0.5))
    second = np.abs(mean + more - weight / (1 + weight)) > b + again
    return np.mean(first & second)


def test_the_audit_accepts_calibrated_noise_and_detects_half_the_noise():
    def run(scale):
        return lambda neighbour, count, rng: neighbour + rng.laplace(scale=scale, size=count)

    honest = audit_epsilon(run(1.0), trials=20000, rng=np.random.default_rng(2))
    careless = audit_epsilon(run(0.5), trials=20000, rng=np.random.default_rng(3))
    assert 0.7 < honest <= 1.0
    assert careless > 1.5


def test_sparse_vector_counts_hits_and_stops():
    test = m.SparseVector(0.5, epsilon=1e6, hits=2, sensitivity=1.0, rng=np.random.default_rng(0))
    values = np.array([0.0, 0.9, 0.1, 0.8])
    assert test.first_above(values) == 1
    assert test.first_above(values[2:]) == 1
    assert test.exhausted
    with pytest.raises(m.BudgetExhausted):
        test.first_above(values)


def test_bad_parameters_are_named():
    with pytest.raises(ValueError, match="epsilon: got 0"):
        m.laplace_scale(0, 1.0)
    with pytest.raises(ValueError, match="sensitivity: got nan"):
        m.gaussian_sigma(1.0, math.nan)
    with pytest.raises(ValueError, match="delta: got 1"):
        a.zcdp_epsilon(0.1, 1)
