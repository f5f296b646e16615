"""Mechanisms for statistical queries against plain loops, and the invariants of private multiplicative weights."""

import copy
import math
from functools import partial

import numpy as np
import pytest

from lib.privacy import queries as q
from lib.privacy.analysts import random_bits
from lib.privacy.mechanisms import BudgetExhausted

U, N = 40, 300


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    return rng.choice(U, N, p=rng.dirichlet(np.ones(U)))


def subsets(count, seed=1):
    return random_bits(count, U, np.random.default_rng(seed)).astype(np.float32)


def test_means_are_exact_so_that_ties_are_ties():
    rng = np.random.default_rng(5)
    queries = np.stack([rng.permutation(np.repeat([0, 1], 5000)) for _ in range(20)]).astype(np.uint8)
    assert (q.Naive(np.arange(10000), 10000).answer(queries) == 0.5).all()


def test_split_uses_each_sample_once(sample):
    queries = subsets(7)
    answers = q.SampleSplit(sample, U, 7).answer(queries)
    size = N // 7
    expected = [queries[j, sample[j * size : (j + 1) * size]].mean() for j in range(7)]
    np.testing.assert_allclose(answers, expected, atol=1e-7)
    split = q.SampleSplit(sample, U, 7)
    split.answer(queries)
    with pytest.raises(BudgetExhausted):
        split.answer(queries[:1])


def plain_weights(sample, queries, threshold):
    """Multiplicative weights without noise, one query after the other, in double precision."""
    empirical = np.bincount(sample, minlength=U) / N
    p, answers, updates = np.full(U, 1 / U), [], 0
    for query in queries.astype(float):
        difference = query @ empirical - query @ p
        if abs(difference) <= threshold:
            answers.append(query @ p)
        else:
            answers.append(query @ empirical)
            p = p * np.exp(0.5 * threshold * np.sign(difference) * query)
            p /= p.sum()
            updates += 1
    return np.array(answers), updates, p


@pytest.mark.parametrize("batch", [1, 7, 400])
def test_batches_of_multiplicative_weights_are_the_plain_loop(sample, batch):
    queries = subsets(400)
    expected, updates, p = plain_weights(sample, queries, 0.05)
    mechanism = q.PrivateMultiplicativeWeights(sample, U, 0.05, 0.0, np.random.default_rng(0))
    answers = np.concatenate([mechanism.answer(queries[i : i + batch]) for i in range(0, 400, batch)])
    assert mechanism.updates == updates > 3
    np.testing.assert_allclose(answers, expected, atol=1e-5)
    np.testing.assert_allclose(mechanism.hypothesis, p, atol=1e-5)


def test_updates_lower_the_divergence_and_stay_below_the_bound(sample):
    empirical = np.bincount(sample, minlength=U) / N
    mechanism = q.PrivateMultiplicativeWeights(sample, U, 0.05, 0.0, np.random.default_rng(0))

    def divergence():
        support = empirical > 0
        return np.sum(empirical[support] * np.log(empirical[support] / mechanism.hypothesis[support]))

    last, updates = divergence(), 0
    for query in subsets(2000):
        answer = mechanism.answer(query[None])[0]
        assert abs(answer - query @ empirical) <= 0.05 + 1e-6
        if mechanism.updates > updates:
            updates, now = mechanism.updates, divergence()
            assert now < last - 0.05**2 / 4
            last = now
    assert updates <= mechanism.max_updates


def test_weights_account_for_every_run_of_the_private_test(sample):
    """AboveThreshold costs 4/(n b) when it ends in an update and 2/(n b) while it goes on, an answer 1/(n b)."""
    unit = 1 / (N * 0.01)
    weights = partial(q.PrivateMultiplicativeWeights, sample, U, scale=0.01, private_test=True)
    quiet = weights(2.0, rng=np.random.default_rng(0))
    assert quiet.ledger.epsilon(0.0) == 0
    quiet.answer(subsets(5))
    assert quiet.updates == 0
    assert quiet.ledger.epsilon(0.0) == pytest.approx(2 * unit)

    mechanism = weights(0.05, rng=np.random.default_rng(0), max_updates=3)
    queries = subsets(2000)
    for at in range(2000):
        try:
            mechanism.answer(queries[at : at + 1])
        except BudgetExhausted:
            break
        assert mechanism.ledger.epsilon(0.0) == pytest.approx((5 * mechanism.updates + 2) * unit)
    assert mechanism.exhausted
    assert mechanism.ledger.epsilon(0.0) == pytest.approx((4 * 4 + 3) * unit)
    assert mechanism.ledger.epsilon(0.0) == pytest.approx(mechanism.epsilon_bound)
    with pytest.raises(BudgetExhausted, match="3 updates"):  # an end is an end, also for a query that is not far
        mechanism.answer(np.zeros((1, U)))


def test_weights_without_noise_have_no_privacy(sample):
    mechanism = q.PrivateMultiplicativeWeights(sample, U, 0.05, 0.0, np.random.default_rng(0))
    mechanism.answer(subsets(3))
    assert mechanism.ledger.epsilon(0.0) == mechanism.epsilon_bound == math.inf


def test_answers_stay_within_the_certified_distance_of_the_sample(sample):
    queries = subsets(1000)
    empirical = q.means(queries, q.counts_of(sample, U))
    beyond = 0
    for seed in range(100):
        weights = q.PrivateMultiplicativeWeights(
            sample, U, 0.15, 0.01, np.random.default_rng(seed), max_updates=40, private_test=True
        )
        beyond += np.abs(weights.answer(queries) - empirical).max() > weights.sample_error(1000, 0.1)
    assert weights.sample_error(1000, 0.1) < 0.35
    assert beyond <= 10


def test_no_updates_are_none(sample):
    mechanism = q.PrivateMultiplicativeWeights(sample, U, 0.01, 0.0, np.random.default_rng(0), max_updates=0)
    with pytest.raises(BudgetExhausted, match="all its 0 updates"):
        mechanism.answer(subsets(500))


def plain_thresholdout(train, holdout, threshold, draw):
    """One query after the other; the threshold gets new noise after each answer from the holdout."""
    answers, noisy = [], threshold + draw("threshold")
    for t, h in zip(train, holdout):
        if abs(h - t) > noisy + draw("comparison"):
            answers.append(h + draw("answer"))
            noisy = threshold + draw("threshold")
        else:
            answers.append(t)
    return np.array(answers)


SCALES = {"threshold": 2, "comparison": 4, "answer": 1}


class Scripted:
    """A source of noise that takes each kind from a list of its own, told apart by its scale."""

    def __init__(self, sigma, size):
        rng = np.random.default_rng(3)
        self.noise = {kind: iter(rng.laplace(scale=factor * sigma, size=size)) for kind, factor in SCALES.items()}
        self.kinds = {factor * sigma: kind for kind, factor in SCALES.items()}

    def laplace(self, scale, size=None):
        stream = self.noise[self.kinds[scale]]
        return next(stream) if size is None else np.array([next(stream) for _ in range(size)])


@pytest.mark.parametrize("block", [1, 1024])
def test_thresholdout_is_the_plain_loop(monkeypatch, block):
    monkeypatch.setattr(q, "BLOCK", block)
    train, holdout = np.random.default_rng(2).uniform(size=(2, 60))
    options = {"threshold": 0.3, "sigma": 0.05, "budget": 60, "rng": Scripted(0.05, 200)}
    reusable = q.Thresholdout(np.arange(5), np.arange(5), 5, **options)
    answers = reusable.answer_means(train, holdout)
    plain = Scripted(0.05, 200)
    expected = plain_thresholdout(train, holdout, 0.3, lambda kind: next(plain.noise[kind]))
    np.testing.assert_array_equal(answers, expected)
    assert 10 < 60 - reusable.budget == np.sum(answers != train) < 50


@pytest.mark.parametrize("noise", ["laplace", "gaussian"])
def test_thresholdout_answers_from_the_training_set_until_it_misleads(noise):
    reusable = q.Thresholdout(
        np.arange(50), np.arange(50), 50, threshold=0.2, sigma=1e-9, budget=1, rng=np.random.default_rng(0), noise=noise
    )
    answers = reusable.answer_means(np.array([0.5, 0.9, 0.4]), np.array([0.6, 0.5, 0.3]))
    np.testing.assert_allclose(answers, [0.5, 0.5, 0.4], atol=1e-6)
    with pytest.raises(BudgetExhausted):
        reusable.answer_means(np.array([0.9]), np.array([0.5]))


def test_guesses_are_checked_in_order(sample):
    queries = subsets(5)
    truth = q.Naive(sample, U).answer(queries)
    check = q.SparseVectorCheck(sample, U, tolerance=0.2, alarms=1, epsilon=1e6, rng=np.random.default_rng(0))
    assert check.first_alarm(queries, truth + [0, 0.1, 0.3, 0.3, 0]) == 2
    assert check.exhausted


def test_queries_may_be_lists(sample):
    rounds = q.EffectiveRounds(sample, U, rounds=2, tolerance=0.9, epsilon=1e6, rng=np.random.default_rng(0))
    weights = q.PrivateMultiplicativeWeights(sample, U, 0.5, 0.0, np.random.default_rng(0))
    for mechanism in (q.Naive(sample, U), rounds, weights):
        np.testing.assert_array_equal(mechanism.answer([[1.0] * U, [0.0] * U]).round(6), [1, 0])


def test_lists_are_answered_from_a_fresh_block_too():
    oracle = q.EffectiveRounds(np.arange(8), 8, rounds=2, tolerance=0.2, epsilon=1e6, rng=np.random.default_rng(0))
    assert oracle.answer([[1, 1, 0, 0, 0, 0, 0, 0]])[0] == 0.0


def test_effective_rounds_moves_to_a_fresh_block_at_an_alarm():
    n = 4000
    sample = np.arange(n)
    oracle = q.EffectiveRounds(sample, n, rounds=2, tolerance=0.2, epsilon=1e4, rng=np.random.default_rng(0))
    first = np.zeros((1, n), np.float32)
    first[0, : n // 4] = 1  # true of the first block alone
    assert oracle.answer(first)[0] == 0.0
    assert oracle.alarms == 1
    second = np.zeros((1, n), np.float32)
    second[0, n // 4 : n // 2] = 1
    with pytest.raises(BudgetExhausted):
        copy.deepcopy(oracle).answer(second)


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        (np.full((2, U), 1.5), "expected \\[0, 1\\]"),
        (np.full((2, U), np.nan), "expected \\[0, 1\\]"),
        (np.zeros((2, U + 1)), f"expected \\(c, {U}\\)"),
        (np.zeros(U), f"expected \\(c, {U}\\)"),
    ],
)
def test_bad_queries_are_refused(sample, queries, words):
    weights = q.PrivateMultiplicativeWeights(sample, U, 0.5, 0.01, np.random.default_rng(0))
    for mechanism in (q.Naive(sample, U), weights):
        with pytest.raises(ValueError, match=words):
            mechanism.answer(queries)


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match="expected 0 <= index < 4"):
        q.Naive(np.array([0, 4]), 4)
    with pytest.raises(ValueError, match="limit: got 9"):
        q.SampleSplit(np.arange(5), 5, 9)
    with pytest.raises(ValueError, match="noise: got 'cauchy'"):
        q.Thresholdout(
            np.arange(5),
            np.arange(5),
            5,
            threshold=0.1,
            sigma=0.1,
            budget=1,
            rng=np.random.default_rng(0),
            noise="cauchy",
        )
