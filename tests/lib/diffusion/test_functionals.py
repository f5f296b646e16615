"""Functionals change at most as fast as the sample; standard scores."""

import numpy as np

from lib.diffusion.digits import real_digits, recognised
from lib.diffusion.functionals import FUNCTIONALS, distances, lipschitz_functionals, standardise, unit_vectors


def test_functionals_are_lipschitz_with_constant_one():
    rng = np.random.default_rng(0)
    u, references, centre = unit_vectors(4, 9, rng), rng.standard_normal((5, 9)), rng.standard_normal(9)
    x = rng.standard_normal((300, 9))
    y = x + rng.standard_normal((300, 9)) * 10.0 ** rng.uniform(-3, 1, (300, 1))
    apart = np.linalg.norm(x - y, axis=1)
    a, b = (lipschitz_functionals(z, u, references, centre) for z in (x, y))
    assert set(a) == set(FUNCTIONALS)
    for name in FUNCTIONALS:
        moved = np.abs(a[name] - b[name]).reshape(300, -1).max(axis=1)
        assert (moved <= apart * (1 + 1e-9)).all(), name
    np.testing.assert_allclose(a["nearest"], [min(np.linalg.norm(z - r) for r in references) for z in x])


def test_standard_scores_and_distances():
    x = np.random.default_rng(0).standard_normal((50, 3)) * [1, 5, 0]
    z = standardise(x)
    np.testing.assert_allclose(z[:, :2].std(axis=0), 1)
    assert (z[:, 2] == 0).all()
    assert distances(x, x).min() == 0


def test_real_digits_are_recognised_and_others_are_not():
    pixels, labels = real_digits()
    assert pixels.shape == (1797, 64)
    assert pixels.min() == -1
    assert pixels.max() == 1
    assert recognised(pixels, labels).mean() > 0.97
    assert recognised(pixels, (labels + 1) % 10).mean() < 0.02
