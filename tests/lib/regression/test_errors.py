"""Summaries against SciPy and against simulation."""

import numpy as np
import pytest
from scipy import stats

from lib.regression.errors import kurtosis, mean_and_error, root_mean_square


def test_summaries_agree_with_scipy():
    values = np.random.default_rng(0).exponential(size=(3, 200))
    mean, se = mean_and_error(values)
    np.testing.assert_allclose(mean, values.mean(1))
    np.testing.assert_allclose(se, stats.sem(values, axis=1))
    np.testing.assert_allclose(kurtosis(values), stats.kurtosis(values, axis=1, fisher=False))
    assert np.isnan(kurtosis(np.ones(5)))


def test_the_error_of_a_root_mean_square_is_its_spread():
    values = np.random.default_rng(1).normal(2, 1, (4000, 400))
    root, se = root_mean_square(values)
    assert np.mean(se) == pytest.approx(np.std(root), rel=0.05)
    assert np.mean(root) == pytest.approx(np.sqrt(5), rel=1e-3)
    assert root_mean_square(np.zeros(3)) == (0, 0)
