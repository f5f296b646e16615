"""Measures of reconstruction: brute force, closed forms, invariances."""

import numpy as np
import pytest

from lib.dynamics import measures as me
from lib.dynamics.almost_linear import AlmostLinearRNN, generate, lifted


def test_divergence_is_the_sum_over_cells():
    rng = np.random.default_rng(0)
    true, generated, bins, alpha = rng.standard_normal((400, 2)), rng.standard_normal((300, 2)) * 1.5, 5, 1e-5
    low = true.min(0) - 0.1 * true.std(0)
    high = true.max(0) + 0.1 * true.std(0)
    p, q = np.zeros((bins, bins)), np.zeros((bins, bins))
    for counts, points in ((p, true), (q, generated)):
        for point in points:
            if np.all(point >= low) and np.all(point < high):
                i, j = ((point - low) / (high - low) * bins).astype(int)
                counts[i, j] += 1
        counts += alpha
        counts /= counts.sum()
    expected = sum(a * np.log(a / b) for a, b in zip(p.ravel(), q.ravel()))
    assert me.state_space_divergence(generated, true, bins, alpha) == pytest.approx(expected, rel=1e-12)
    assert me.state_space_divergence(true, true, bins) == pytest.approx(0, abs=1e-14)
    assert np.isnan(me.state_space_divergence(generated + 100, true, bins))
    scaled = me.state_space_divergence(3 * generated + 1, 3 * true + 1, bins)
    assert scaled == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="bins"):
        me.grid(true, 1)


def test_mixture_divergence_is_that_of_gaussians():
    """Mixtures at standard Gaussian points of variance v approach N(0, 1 + v): KL = shift^2 / (2 (1 + v)) per axis."""
    rng = np.random.default_rng(0)
    true, generated = rng.standard_normal((4000, 3)), rng.standard_normal((4000, 3)) + 1.0
    divergence = me.state_space_divergence_gmm(generated, true, 1.0, rng, samples=3000)
    assert divergence == pytest.approx(3 / 4, abs=0.08)
    assert me.state_space_divergence_gmm(true, true, 1.0, rng) == pytest.approx(0, abs=1e-12)


def test_spectrum_error():
    rng = np.random.default_rng(0)
    t = np.arange(4000)
    a = np.stack([np.sin(0.3 * t), rng.standard_normal(4000)], axis=1)
    assert me.power_spectrum_error(5 * a + 2, a, 20) == pytest.approx(0, abs=1e-7)
    tones = [np.sin(w * t)[:, None] for w in (0.3, 2.0)]
    assert me.power_spectrum_error(*tones, 5) == pytest.approx(1, abs=0.01)
    assert me.power_spectrum_error(np.full((4000, 2), np.nan), a, 20) == 1
    assert 0 < me.power_spectrum_error(rng.standard_normal((4000, 1)), rng.standard_normal((4000, 1)), 20) < 0.2


def test_scorer_is_the_two_measures():
    rng = np.random.default_rng(1)
    true, generated = rng.standard_normal((500, 2)), rng.standard_normal((500, 2))
    distance, spectrum = me.Scorer(true, 6, 3.0, steps=300)(generated)
    assert distance == me.state_space_divergence(generated, true, 6)
    assert spectrum == me.power_spectrum_error(generated[:300], true[:300], 3.0)
    diverged = me.Scorer(true, 6, 3.0)(generated[:100])
    assert np.isnan(diverged[0])
    assert diverged[1] == 1
    assert me.Scorer(true, 6, 3.0, variance=1.0)(true)[0] == pytest.approx(0, abs=1e-12)


def test_prediction_error_of_the_model_that_made_the_series_is_zero():
    """A linear model whose hidden unit stays at a multiple of the observed one is recovered from observations."""
    model = AlmostLinearRNN(np.array([0.9, 0.9]), np.zeros((2, 2)), np.zeros(2), np.array([[2.0]]), 0)
    x = generate(model, lifted(model, np.array([1.0])), 60)[:, :1]
    assert me.n_step_error(model, x, 20) == pytest.approx(0, abs=1e-25)
    assert me.n_step_error(model, x + 0.1, 20) > 1e-4


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_a_coordinate_without_a_range_has_no_histogram(value):
    true = np.random.default_rng(0).standard_normal((50, 2))
    true[:, 1] = value
    with pytest.raises(ValueError, match="all vary"):
        me.state_space_divergence(true, true, 5)


@pytest.mark.parametrize("place", [0, 1])
def test_a_run_ends_where_it_is_not_a_number(place):
    """The offset is NaN in one coordinate: the start is sound, the state after it is not."""
    h = np.zeros(2)
    h[place] = np.nan
    model = AlmostLinearRNN(np.full(2, 0.5), np.zeros((2, 2)), h, np.zeros((1, 1)), 1)
    assert len(generate(model, np.ones(2), 10)) == 1
