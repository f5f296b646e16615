"""Rules that different estimators learn from one draw."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.probing.logistic import LogisticProbe
from lib.probing.mixtures import power_mixture
from lib.probing.naive_bayes import PooledGaussianNB
from lib.probing.rules import ESTIMATORS, learn_rule


@pytest.fixture(params=[2, 3])
def draw(request):
    mixture = power_mixture(request.param, 6)
    labels = mixture.draw_labels(3000, np.random.default_rng(1))
    return mixture, labels, mixture.draw(labels, np.random.default_rng(2))


def decide(rule, x):
    weights, intercepts = rule
    scores = x @ weights.T + intercepts
    return (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else np.argmax(scores, axis=1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rules_are_those_of_the_estimators_on_the_same_rows(draw, estimator):
    mixture, labels, x = draw
    peers = {
        "nb": PooledGaussianNB(),
        "ncm": NearestCentroid(),
        "lr": LogisticProbe(tol=1e-6),
        "lr_exact": LogisticProbe(tol=1e-6),
        "lr_scaled": make_pipeline(StandardScaler(), LogisticProbe(tol=1e-6)),
    }
    rule = learn_rule(estimator, mixture, labels, np.random.default_rng(2))
    share = np.mean(decide(rule, x) == peers[estimator].fit(x, labels).predict(x))
    assert share > (0.998 if estimator.startswith("lr") else 0.9999)


def test_an_unknown_estimator_is_refused(draw):
    with pytest.raises(ValueError, match="estimator: got 'svm'"):
        learn_rule("svm", draw[0], draw[1], np.random.default_rng(2))
