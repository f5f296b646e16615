"""The learning rate with the best score on a seed of its own is the one that all seeds train with."""

import numpy as np
import pytest
from torch import nn

from lib.training.tuning import EXTRA, train_at_best_rate


@pytest.mark.parametrize(("rates", "calls"), [([0.1, 0.3, 0.2], 2), ([0.3], 1)])
def test_the_best_rate_is_taken(rates, calls):
    asked = []

    def train(seeds, rate, label, part):
        asked.append((seeds, rate))
        return nn.Identity(), np.zeros((1, len(seeds)))

    tuned = train_at_best_rate(train, lambda model, seeds: np.array(rates), rates, [0, 1])
    assert len(asked) == calls
    assert asked[-1] == ([0, 1], 0.3)
    assert tuned.learning_rate == 0.3
    assert tuned.trace.shape == (1, 2)
    if calls == 2:
        assert asked[0] == ([EXTRA] * 3, rates)
        np.testing.assert_array_equal(tuned.scores, rates)
    else:
        assert np.isnan(tuned.scores).all()


def test_a_score_that_is_not_a_number_never_wins():
    def train(seeds, rate, label, part):
        return nn.Identity(), np.zeros((1, len(seeds)))

    tuned = train_at_best_rate(train, lambda model, seeds: np.array([np.nan, -5.0]), [0.1, 0.2], [0])
    assert tuned.learning_rate == 0.2
