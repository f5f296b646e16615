"""Calibration errors and temperatures of models whose calibration is known."""

import numpy as np
import pytest
from scipy import special

from lib.probing.calibration import calibrate, expected_error, fit_temperature, largest_error, reliability


def draw(count: int, seed: int, size: float = 1.5):
    """Logits and labels of a calibrated model."""
    rng = np.random.default_rng(seed)
    logits = size * rng.standard_normal((count, 3))
    labels = (rng.random((count, 1)) > np.cumsum(special.softmax(logits, axis=1), axis=1)).sum(axis=1)
    return logits, labels


def test_the_error_of_a_calibrated_model_falls_as_the_inverse_root():
    errors = [
        np.mean([expected_error(reliability(special.softmax(x, axis=1), y)) for x, y in (draw(n, s) for s in range(8))])
        for n in (500, 8000)
    ]
    assert errors[1] < 0.02
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.3)


def test_errors_of_a_few_samples_by_hand():
    probabilities = [[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.3, 0.7]]
    bins = reliability(probabilities, [0, 1, 0, 0], bins=10)
    assert bins.counts.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 2]
    assert expected_error(bins) == pytest.approx((2 * 0.45 + 0.4 + 0.7) / 4)
    assert largest_error(bins) == pytest.approx(0.7)


def test_a_probability_of_one_is_in_the_last_bin():
    assert reliability([[1.0, 0.0]], [0]).counts[-1] == 1


def test_a_temperature_scales_with_the_logits():
    logits, labels = draw(2000, 1)
    one = fit_temperature(logits, labels)
    assert one == pytest.approx(1, abs=0.1)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3 * one, rel=1e-4)
    assert fit_temperature(logits / 40, labels) == pytest.approx(one / 40, rel=1e-4)
    assert fit_temperature(logits + 5, labels) == pytest.approx(one, rel=1e-4)


def test_the_temperature_is_where_the_derivative_is_zero():
    logits, labels = draw(300, 2)
    t = fit_temperature(2 * logits, labels)
    z = 2 * logits / t
    expected = (special.softmax(z, axis=1) * z).sum(axis=1)
    assert np.mean(expected - z[np.arange(300), labels]) == pytest.approx(0, abs=1e-6)


def test_a_perfect_model_reaches_the_end_of_the_range():
    logits = 0.1 * np.eye(3)[np.arange(30) % 3]
    t = fit_temperature(logits, np.arange(30) % 3)
    assert np.isfinite(t)
    assert np.log(t) == pytest.approx(-5, abs=1e-3)


def test_scaling_mends_an_overconfident_model():
    logits, labels = draw(4000, 3)
    result = calibrate(4 * logits, labels, *(part[:1000] for part in (4 * draw(4000, 4)[0], draw(4000, 4)[1])))
    assert result.ece > 0.1 > 0.03 > result.scaled_ece
    assert result.temperature == pytest.approx(4, rel=0.15)
    assert result.mce > result.ece


def test_what_is_no_prediction_is_refused():
    logits, labels = draw(10, 0)
    with pytest.raises(ValueError, match="not finite"):
        fit_temperature(np.where(logits > 0, np.nan, logits), labels)
    with pytest.raises(ValueError, match="shapes"):
        fit_temperature(logits, labels[:5])
    with pytest.raises(ValueError, match="expected integers 0"):
        fit_temperature(logits, labels + 1)
    with pytest.raises(ValueError, match="sum to one"):
        reliability(logits, labels)
    with pytest.raises(ValueError, match="shapes"):
        fit_temperature(np.empty((0, 3)), np.empty(0, int))
