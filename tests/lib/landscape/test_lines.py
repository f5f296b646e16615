"""Interpolation, barriers and layer-wise excesses on losses whose values on a line are known."""

import pytest
import torch

from lib.landscape.lines import barrier, interpolate, layer_sets, layerwise_excess, path_losses
from lib.landscape.losses import draw_mlps, mlp_losses
from lib.landscape.parameters import layers_of, select


def network(*values, dtype=torch.float64):
    return {"a.weight": torch.tensor([values[:2]], dtype=dtype), "a.bias": torch.tensor(values[2:], dtype=dtype)}


def bowl(parameters):
    return sum((value**2).sum() for value in parameters.values())


@pytest.fixture
def perceptrons():
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(30, 5, generator=rng), torch.randint(0, 3, (30,), generator=rng)
    stacks = [draw_mlps([5, 6, 4, 3], seeds) for seeds in ([0, 1], [2, 3])]
    return lambda p: mlp_losses(p, x, y.expand(len(p["0.bias"]), -1)), *stacks


def test_a_bowl_has_no_barrier_and_lies_below_its_chord():
    first, second = network(1.0, -2.0, 0.5), network(-3.0, 0.0, 4.0)
    found = barrier(bowl, first, second)
    assert found.height == 0
    assert (found.excess[1:-1] < 0).all()
    distance = bowl({name: first[name] - second[name] for name in first})
    torch.testing.assert_close(found.excess[5], -distance / 4)


def test_a_double_well_has_the_barrier_at_its_middle():
    found = barrier(lambda p: (p["x"] ** 2 - 1) ** 2, {"x": torch.tensor(-1.0)}, {"x": torch.tensor(1.0)})
    assert float(found.height) == 1
    assert int(found.excess.argmax()) == 5


def test_interpolation_moves_the_named_parameters_alone():
    first, second = network(1.0, 2.0, 3.0), network(5.0, 6.0, 7.0)
    moved = interpolate(first, second, 0.25, ["a.bias"])
    torch.testing.assert_close(moved, network(1.0, 2.0, 4.0))
    torch.testing.assert_close(interpolate(first, second, 0.25), network(2.0, 3.0, 4.0))


@pytest.mark.parametrize(
    ("second", "message"),
    [({"x": torch.zeros(3)}, "shapes"), ({"y": torch.zeros(2)}, "the same names")],
)
def test_networks_that_differ_are_refused(second, message):
    with pytest.raises(ValueError, match=message):
        interpolate({"x": torch.zeros(2)}, second, 0.5)


def test_lines_that_say_nothing_are_refused():
    one, other = {"x": torch.tensor(0.0)}, {"x": torch.tensor(1.0)}
    with pytest.raises(ValueError, match="keys"):
        interpolate(one, other, 0.5, ["y"])
    with pytest.raises(ValueError, match="finite"):
        barrier(lambda p: p["x"] / p["x"], one, other)
    for alphas in ([0, 1], [0, 0.5, 0.9], [0.1, 0.5, 1], [0, 0.7, 0.5, 1]):
        with pytest.raises(ValueError, match="alphas"):
            barrier(bowl, one, other, alphas)


def test_a_stack_of_pairs_has_the_barriers_of_each(perceptrons):
    loss, first, second = perceptrons
    together = barrier(loss, first, second)
    for i in range(2):
        alone = barrier(loss, select(first, [i]), select(second, [i]))
        torch.testing.assert_close(together.curve[:, i], alone.curve[:, 0], rtol=1e-5, atol=1e-6)


def test_the_excess_of_all_layers_is_that_of_the_whole_midpoint(perceptrons):
    loss, first, second = perceptrons
    sets = layer_sets(first)
    assert list(sets["single"]) == ["0", "2", "4"]
    assert sets["first"]["2"] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert sets["last"]["1"] == ["4.weight", "4.bias"]
    (whole,) = layerwise_excess(loss, first, second, {"all": sets["last"]["3"]})
    torch.testing.assert_close(whole, barrier(loss, first, second).excess[5])


def test_one_layer_is_moved_with_weight_and_bias(perceptrons):
    loss, first, second = perceptrons
    layer = layers_of(first)["2"]
    by_hand = 0
    for one, other in ((first, second), (second, first)):
        half = {name: (value + other[name]) / 2 if name in layer else value for name, value in one.items()}
        by_hand = by_hand + (loss(half) - loss(one)) / 2
    (excess,) = layerwise_excess(loss, first, second, {"2": layer})
    torch.testing.assert_close(excess, by_hand.double(), rtol=1e-5, atol=1e-6)


def test_a_path_goes_through_its_points():
    points = [{"x": torch.tensor(value)} for value in (0.0, 2.0, -1.0)]
    losses = path_losses(lambda p: p["x"] ** 2, points, [0, 0.5, 1])
    assert losses.tolist() == [[0, 1, 4], [4, 0.25, 1]]
    with pytest.raises(ValueError, match="points"):
        path_losses(bowl, points[:1], [0, 1])
