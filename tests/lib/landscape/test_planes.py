"""Planes through three networks: corners, losses at them, projected paths."""

import numpy as np
import pytest
import torch

from lib.landscape.losses import draw_mlps, mlp_losses
from lib.landscape.parameters import combine, flatten, inner, select, subtract
from lib.landscape.planes import coordinates, grid_around, plane_losses, plane_through

X = torch.randn(20, 4, generator=torch.Generator().manual_seed(1))
Y = torch.arange(20) % 3


@pytest.fixture
def corners():
    return [select(draw_mlps([4, 5, 3], [seed]), 0) for seed in range(3)]


def loss(stack):
    return mlp_losses(stack, X, Y.expand(len(stack["0.bias"]), -1))


def test_axes_are_orthonormal_and_corners_lie_on_the_plane(corners):
    plane = plane_through(*corners)
    for a, b, value in ((plane.first, plane.first, 1), (plane.second, plane.second, 1), (plane.first, plane.second, 0)):
        assert float(inner(a, b)) == pytest.approx(value, abs=1e-6)
    found = coordinates(plane, corners)
    np.testing.assert_allclose(found[:, 2], 0, atol=2e-3)
    distance = [float(flatten(subtract(one, corners[0])).norm()) for one in corners]
    np.testing.assert_allclose(np.hypot(found[:, 0], found[:, 1]), distance, rtol=1e-5)
    assert found[1, 1] == pytest.approx(0, abs=1e-5)
    assert found[2, 1] > 0


def test_losses_at_the_corners_are_theirs_and_stacks_change_nothing(corners):
    plane = plane_through(*corners)
    found = coordinates(plane, corners)
    table = plane_losses(loss, plane, found[:, 0], found[:, 1], at_once=4)
    for i, corner in enumerate(corners):
        assert table[i, i] == pytest.approx(float(loss({k: v[None] for k, v in corner.items()})), rel=1e-5)
    alone = plane_losses(lambda p: loss({k: v[None] for k, v in p.items()})[0], plane, found[:, 0], found[:, 1])
    np.testing.assert_allclose(alone, table, rtol=1e-5)


def test_distance_from_the_plane_is_the_rest_of_the_way(corners):
    plane = plane_through(*corners)
    off = select(draw_mlps([4, 5, 3], [9]), 0)
    a, b, rest = coordinates(plane, [off])[0]
    there = {k: v + a * plane.first[k] + b * plane.second[k] for k, v in plane.origin.items()}
    assert rest == pytest.approx(float(flatten(subtract(off, there)).norm()), rel=1e-4)


def test_a_grid_holds_the_box_and_a_margin():
    a, b = grid_around(np.array([[0.0, 0.0], [10.0, 2.0]]), 5)
    np.testing.assert_allclose(a, [-2, 1.5, 5, 8.5, 12])
    np.testing.assert_allclose(b[[0, -1]], [-0.4, 2.4])


def test_three_on_a_line_are_refused(corners):
    origin, one, _ = corners
    with pytest.raises(ValueError, match="span a plane"):
        plane_through(origin, one, combine(0.5, origin, 0.5, one))
    with pytest.raises(ValueError, match="the origin itself"):
        plane_through(origin, origin, one)
