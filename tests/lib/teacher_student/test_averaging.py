"""Averages over initialisations, against fixed points and variances."""

import numpy as np
import pytest

from lib.teacher_student import averaging, learning
from lib.teacher_student import quadratic as q


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_descent_rests_at_the_teacher(rng):
    d, m = 6, 3
    s, x, y = learning.sample_network(d, m, 20, rng)
    values, vectors = np.linalg.eigh(s)
    weights = np.sqrt(m * values[-m:, None]) * vectors[:, -m:].T
    runs = averaging.averaged_descent(x, y, np.stack([weights, -weights]), learning_rate=0.01, steps=20, stop_at=0.0)
    np.testing.assert_allclose(runs.estimates, np.stack([s, s]), atol=1e-10)
    np.testing.assert_allclose(runs.descent.losses, 0, atol=1e-20)


def test_averages_are_the_means_of_the_first_estimates(rng):
    s, x, y = learning.sample_network(6, 3, 20, rng)
    runs = averaging.averaged_descent(x, y, rng.standard_normal((5, 3, 6)), learning_rate=0.01, steps=10)
    averages = averaging.averages(runs.estimates, np.array([1, 3, 5]))
    np.testing.assert_allclose(averages, [runs.estimates[:k].mean(0) for k in (1, 3, 5)])
    assert q.frobenius_error(averages[-1], s, 0.5) < q.frobenius_error(runs.estimates, s, 0.5).mean()


def test_numbers_of_runs_to_average_double():
    assert averaging.averaging_counts(6).tolist() == [1, 2, 4, 6]
    assert averaging.averaging_counts(8).tolist() == [1, 2, 4, 8]


def test_infinite_average_subtracts_the_variance_of_the_mean(rng):
    """|mean - s|^2 less the unbiased variance of the mean is an unbiased estimate of |E - s|^2."""
    runs, s = 7, 1.3
    estimates = rng.standard_normal(runs)
    single, average = np.mean((estimates - s) ** 2), (estimates.mean() - s) ** 2
    expected = average - estimates.var(ddof=1) / runs
    assert averaging.infinite_average_error(single, average, runs) == pytest.approx(expected)
    with pytest.raises(ValueError, match="runs"):
        averaging.infinite_average_error(single, average, 1)
