"""Matched Gaussians have the moments of the classes, singular ones too; Gram distances."""

import numpy as np
import pytest

from lib.stats.matched import draw_mixture, gram_distance, match_classes, symmetric_root


def test_moments_of_draws_are_those_of_the_classes():
    rng = np.random.default_rng(0)
    label = np.arange(300) % 2
    x = rng.standard_normal((300, 3)) @ rng.standard_normal((3, 3)) + 5 * label[:, None]
    gaussians = match_classes(x, label, 2)
    np.testing.assert_allclose(gaussians.covariance[1], np.cov(x[label == 1].T))
    wanted = np.repeat([1, 0], 100_000)
    drawn = draw_mixture(gaussians, wanted, rng)
    for k in (0, 1):
        np.testing.assert_allclose(drawn[wanted == k].mean(0), x[label == k].mean(0), atol=0.03)
        np.testing.assert_allclose(np.cov(drawn[wanted == k].T), np.cov(x[label == k].T), atol=0.1)


def test_singular_covariances_are_drawn_in_their_subspace():
    rng = np.random.default_rng(0)
    flat = rng.standard_normal((50, 2)) @ rng.standard_normal((2, 6))
    gaussians = match_classes(flat, np.zeros(50, int), 1)
    assert np.linalg.matrix_rank(draw_mixture(gaussians, np.zeros(40, int), rng) - gaussians.mean, tol=1e-6) == 2
    np.testing.assert_allclose(gaussians.root @ gaussians.root.swapaxes(1, 2), gaussians.covariance, atol=1e-12)
    assert np.isfinite(symmetric_root(np.zeros((2, 2)))).all()
    with pytest.raises(ValueError, match="1 sample"):
        match_classes(flat, np.r_[np.zeros(49, int), 1], 2)


def test_gram_distance_is_the_mean_log_ratio_and_has_no_scale_at_a_rotation():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 8))
    rotation = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    assert gram_distance(x, x @ rotation) == pytest.approx(0, abs=1e-10)
    assert gram_distance(x, 3 * x) == pytest.approx(2 * np.log(3))
    y = rng.standard_normal((20, 8))
    largest = [np.sort(np.linalg.eigvalsh(a @ a.T))[::-1][:4] for a in (x, y)]
    assert gram_distance(x, y) == pytest.approx(np.abs(np.log(largest[0] / largest[1])).mean())
