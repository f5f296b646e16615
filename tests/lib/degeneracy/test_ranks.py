"""Free directions: closed forms, planted structure, autodiff."""

import numpy as np
import pytest
import torch

from lib.degeneracy.planted import (
    attention_heads,
    dependent_layer,
    null_projection,
    relu_units,
    unit_free_directions,
)
from lib.degeneracy.ranks import jacobian, jacobian_rank, layer_free_directions, numerical_rank, synchronised_blocks


def test_rank_counts_above_the_tolerance_and_says_how_wide_the_gap_is():
    u = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    assert numerical_rank(u * [1, 0.5, 1e-3, 1e-12, 0, 0]) == (3, pytest.approx(1e9, rel=0.1))
    assert numerical_rank(np.eye(3)) == (3, np.inf)
    assert numerical_rank(np.zeros((3, 2))) == (0, np.inf)
    for wrong in (np.zeros(3), np.zeros((0, 2)), np.array([[np.nan]])):
        with pytest.raises(ValueError, match="matrix"):
            numerical_rank(wrong)


def test_constant_inputs_and_a_dead_layer():
    assert layer_free_directions(np.ones((9, 4)), np.eye(3))[:3] == (1, 3, 12 - 3)
    assert layer_free_directions(np.random.default_rng(0).random((9, 4)), np.zeros((5, 3)))[:3] == (4, 0, 12)


def test_dependent_layers_have_the_rank_of_their_spans():
    rng = np.random.default_rng(1)
    one = dependent_layer(5, 3, rng, n=60)
    spans = layer_free_directions(one.activations, one.gradients().reshape(-1, 10))
    assert spans[:2] == (5, 3)
    assert numerical_rank(one.jacobian()).rank == 15 == one.weight.size - spans.free


def test_closed_jacobians_are_those_of_autodiff():
    rng = np.random.default_rng(2)
    layer = dependent_layer(4, 2, rng, n=7)
    inputs, inner, outer = map(torch.from_numpy, (layer.activations, layer.inner, layer.outer))

    def outputs(parameters, x):
        return torch.tanh(x @ parameters["w"].T @ inner.T) @ outer.T

    expected = jacobian(outputs, {"w": torch.from_numpy(layer.weight)}, inputs)
    np.testing.assert_allclose(layer.jacobian(), expected, atol=1e-12)
    units = relu_units(3, False, rng, n=9)

    def hidden(parameters, x):
        return (x @ parameters["a"].T).relu() @ parameters["b"].T

    weights = {"a": torch.from_numpy(units.first), "b": torch.from_numpy(units.second)}
    expected = jacobian(hidden, weights, torch.from_numpy(units.inputs))
    ours = units.branches().jacobian()
    ours = np.concatenate([ours[:, :24], ours[:, 24:].reshape(-1, 3, 6).transpose(0, 2, 1).reshape(-1, 18)], axis=1)
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    np.testing.assert_allclose(units.branches().outputs(), units.outputs(), atol=1e-12)
    heads = attention_heads(2, 2, False, rng, sequences=3)

    def attended(parameters, z):
        return torch.einsum("mkh,mhj,mnj->nk", parameters["o"], parameters["v"], z)

    weights = {"v": torch.from_numpy(heads.inner), "o": torch.from_numpy(heads.outer)}
    expected = jacobian(attended, weights, torch.from_numpy(heads.features))
    np.testing.assert_allclose(heads.jacobian(), expected, atol=1e-12)
    rank = jacobian_rank(attended, weights, torch.from_numpy(heads.features)).rank
    assert rank == numerical_rank(heads.jacobian()).rank


@pytest.mark.parametrize(
    ("m", "synchronised", "free"), [(1, True, 1), (3, True, 9), (6, True, 36), (8, True, 64), (4, False, 4)]
)
def test_synchronised_units_mix_freely(m, synchronised, free):
    units = relu_units(m, synchronised, np.random.default_rng(m), n=400)
    matrix = units.branches().jacobian()
    assert matrix.shape[1] - numerical_rank(matrix).rank == free == unit_free_directions(m, synchronised, 8, 6)


@pytest.mark.parametrize(("equal", "free"), [(True, 36), (False, 18)])
def test_heads_of_one_pattern_are_one_wide_head(equal, free):
    matrix = attention_heads(2, 3, equal, np.random.default_rng(3), sequences=12).jacobian()
    assert matrix.shape[1] - numerical_rank(matrix).rank == free


def test_blocks_are_units_of_one_pattern():
    pre = np.random.default_rng(4).standard_normal((30, 1)) * [1.0, 2.0, -1.0]
    pre = np.concatenate([pre, -np.ones((30, 1)), np.ones((30, 1))], axis=1)
    blocks = synchronised_blocks(pre)  # the complement is no member, a unit that is never on is in no block
    assert [block.tolist() for block in blocks] == [[0, 1], [2], [4]]
    with pytest.raises(ValueError, match="pre_activations"):
        synchronised_blocks(pre[0])


def test_projection_onto_the_null_space():
    matrix = np.random.default_rng(5).standard_normal((4, 7))
    projection = null_projection(matrix, 4)
    np.testing.assert_allclose(matrix @ projection, 0, atol=1e-12)
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-12)
    assert np.trace(projection) == pytest.approx(3)
