"""The toys: closed forms against numerical maxima, conserved signs, partings."""

import numpy as np
import pytest

from lib.landscape.toys import (
    Pitchfork,
    descend_factorisation,
    factorisation_barrier,
    factorisation_loss,
    part_runs,
    pitchfork_loss,
    wall_height,
)


@pytest.mark.parametrize(("c", "d"), [(1.0, -1.0), (2.0, -0.3), (0.5, 3.0), (1.0, 1.0)])
def test_factorisation_barrier_is_the_largest_loss_on_the_line(c, d):
    t = np.linspace(0, 1, 2001)
    line = factorisation_loss((1 - t) * c + t * d, (1 - t) / c + t / d)
    assert float(factorisation_barrier(c, d)) == pytest.approx(line.max(), rel=1e-12, abs=1e-15)
    assert float(factorisation_barrier(1, -1)) == 0.5


def test_descent_stays_on_its_side_and_ends_in_a_valley():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 100))
    chosen = np.abs(a + b) > 0.05
    ends = descend_factorisation(a[chosen], b[chosen], 0.05, 5000)
    assert (np.sign(ends[0] + ends[1]) == np.sign(a + b)[chosen]).all()
    np.testing.assert_allclose(ends[0] * ends[1], 1, rtol=1e-12)


def test_the_wall_of_the_pitchfork_is_between_its_valleys():
    for y in (0.3, 1.0, 2.0):
        x = np.linspace(-y - 1, y + 1, 200001)
        loss = pitchfork_loss(x, y)
        assert pitchfork_loss(0.0, y) - loss.min() == pytest.approx(float(wall_height(y)), rel=1e-6)
    assert float(wall_height(-1.0)) == 0


def test_pairs_part_half_of_the_time_before_the_ridge_and_never_after():
    toy = Pitchfork(steps=1500, settle=1500)
    parting = part_runs(toy, [-1.0, 1.0, 3.0], 400, np.random.default_rng(0), kept=2)
    share = (parting.ends.prod(axis=-1) < 0).mean(axis=-1)
    assert abs(share[0] - 0.5) < 4 * 0.5 / 400**0.5
    assert share[1] == share[2] == 0
    np.testing.assert_allclose(np.abs(parting.ends), 2**0.5, rtol=1e-9)
    assert parting.paths.shape == (3, 2, 2, 1501)
    assert np.array_equal(parting.paths[2, :, 0], parting.paths[2, :, 1])  # one noise to the end
    assert not np.array_equal(parting.paths[0, :, 0], parting.paths[0, :, 1])
