from fractions import Fraction
from math import comb

import numpy as np
import pytest

from lib.bandits.instances import sphere_actions
from lib.bandits.net import log_net_size, net_size, rank_net, sparse_net


@pytest.mark.parametrize(("s", "eps"), [(1, 0.05), (2, 0.1), (3, 0.2)])
def test_every_point_of_the_ball_is_within_eps_of_the_grid(s, eps):
    rng = np.random.default_rng(0)
    points = sphere_actions(10_000, s, rng) * rng.uniform(size=(10_000, 1)) ** (1 / s)
    points[:500] /= np.linalg.norm(points[:500], axis=1, keepdims=True)  # the sphere itself too
    grid = sparse_net(s + 1, s, eps).grid
    distances = [np.linalg.norm(grid - point, axis=1).min() for point in points]
    assert max(distances) <= eps * (1 + 1e-12)
    assert max(distances) > 0.7 * eps  # the grid is not finer than it says


@pytest.mark.parametrize(("d", "s", "eps"), [(8, 2, 0.15), (6, 1, 0.025), (5, 3, 0.2), (4, 4, 0.5)])
def test_sizes_are_those_of_the_net_and_below_the_bound(d, s, eps):
    net = sparse_net(d, s, eps)
    size = len(net.supports) * len(net.grid)
    assert net_size(d, s, eps) == size
    np.testing.assert_allclose(log_net_size(d, s, eps), np.log(size), rtol=1e-12)
    assert len(net.supports) == comb(d, s)
    assert size <= comb(d, s) * (1 + 2 / Fraction(str(eps))) ** s


def test_a_cubic_grid_exceeds_the_volume_bound_from_eight_dimensions():
    assert net_size(8, 8, 0.5) == 469_457 > 5**8


def test_hundreds_of_dimensions_do_not_overflow():
    assert 300 < log_net_size(300, 300, 0.5) < 1000
    np.testing.assert_allclose(log_net_size(12, 12, 0.3), np.log(float(net_size(12, 12, 0.3))), rtol=1e-12)


def test_ranking_is_that_of_the_whole_product():
    rng = np.random.default_rng(1)
    actions, net = sphere_actions(50, 6, rng), sparse_net(6, 2, 0.2)
    ranked = rank_net(actions, net)
    for c, support in enumerate(net.supports):
        values = actions[:, support] @ net.grid.T
        np.testing.assert_array_equal(ranked.action[c], values.argmax(axis=0))
        np.testing.assert_array_equal(ranked.score[c], values.max(axis=0))


def test_an_interrupted_ranking_goes_on_with_the_same_result(tmp_path):
    from lib.atlas.job.checkpoint import Checkpoint

    rng = np.random.default_rng(2)
    actions, net = sphere_actions(30, 7, rng), sparse_net(7, 2, 0.2)

    class Stop(Checkpoint):
        def save_if_due(self, state):
            super().save_if_due(state)
            if int(state()["start"]) == 9:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rank_net(actions, net, checkpoint=Stop(tmp_path / "c.zarr.zip", {}, every=0))
    kept = Checkpoint(tmp_path / "c.zarr.zip", {}, every=1e9)
    assert int(kept.load()["start"]) == 9
    resumed, whole = rank_net(actions, net, checkpoint=kept), rank_net(actions, net)
    np.testing.assert_array_equal(resumed.score, whole.score)
    np.testing.assert_array_equal(resumed.action, whole.action)


@pytest.mark.parametrize(("d", "s", "eps"), [(2, 3, 0.1), (2, 0, 0.1), (2, 1, 0.0), (2, 1, 1.0)])
def test_sizes_that_do_not_fit_are_refused(d, s, eps):
    with pytest.raises(ValueError, match="d, s, eps"):
        sparse_net(d, s, eps)
