"""Students of two-block teachers: masks, losses, Jacobians; and networks of one's own."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.degeneracy.own import (
    behavioural_loss as own_loss,
)
from lib.degeneracy.own import (
    estimate_learning_coefficient,
    inspect_network,
)
from lib.degeneracy.ranks import jacobian_rank, numerical_rank
from lib.degeneracy.students import (
    Shape,
    behavioural_loss,
    forward,
    output_jacobian,
    train_students,
    two_block_teacher,
)

SHAPE = Shape(4, 8, 2)


def _data(models, n=60):
    pairs = [two_block_teacher(SHAPE, n, np.random.default_rng(i)) for i in range(models)]
    return tuple(torch.from_numpy(np.stack(part)) for part in zip(*pairs))


def test_gradients_and_jacobians_are_those_of_autodiff():
    inputs, targets = _data(2, 20)
    theta = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, SHAPE.parameters))).requires_grad_(True)
    outputs = torch.stack([forward(SHAPE, theta[:, c], inputs) for c in range(3)], dim=1)
    loss = ((outputs - targets[:, None]) ** 2).sum((2, 3)) / 20
    ours, gradient = behavioural_loss(SHAPE, inputs, targets, 3)(theta.detach())
    torch.testing.assert_close(ours, loss.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(loss.sum(), theta)[0])
    one = theta.detach()[0, 0]
    expected = torch.autograd.functional.jacobian(lambda t: forward(SHAPE, t[None], inputs[:1])[0].flatten(), one)
    np.testing.assert_allclose(output_jacobian(SHAPE, one, inputs[0]), expected.numpy(), atol=1e-12)


def test_masked_students_stay_two_blocks_and_stop_below_the_bound():
    inputs, targets = _data(2)
    masks = torch.stack([SHAPE.mask(), torch.ones(SHAPE.parameters).double()])
    trained = train_students(
        SHAPE, inputs, targets, masks, torch.Generator().manual_seed(0),
        bound=0.3, steps=2000, rate=1e-2, later_rate=2e-3, later=1500,
    )  # fmt: skip
    assert (trained.loss < 0.3).all()
    assert (trained.steps > 0).all()
    assert (trained.theta[0][SHAPE.mask() == 0] == 0).all()
    changed = inputs[:1].clone()
    changed[..., 2:] = 0  # the first block does not see the second half
    before, after = (forward(SHAPE, trained.theta[:1], x) for x in (inputs[:1], changed))
    torch.testing.assert_close(before[..., 0], after[..., 0])
    assert float((before[..., 1] - after[..., 1]).abs().max()) > 0.1


def test_a_student_that_does_not_reach_the_bound_says_so():
    inputs, targets = _data(1)
    masks = torch.ones(1, SHAPE.parameters).double()
    trained = train_students(
        SHAPE, inputs, targets, masks, torch.Generator().manual_seed(0),
        bound=1e-9, steps=3, rate=1e-2, later_rate=2e-3, later=2,
    )  # fmt: skip
    assert trained.steps.tolist() == [-1]
    assert trained.loss[0] > 1e-9


def _planted_module():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    with torch.no_grad():
        model[0].weight[1] = 2 * model[0].weight[0]  # two units that are on together
        model[0].bias[1] = 2 * model[0].bias[0]
        model[0].weight[2], model[0].bias[2] = 0, -1  # and one that is never on
        model[4].weight[:, 3] = 0  # the last layer does not look at one unit
    return model


def test_a_module_of_ones_own_is_inspected():
    model = _planted_module()
    x = torch.randn(80, 6, dtype=torch.float64)
    x[:, 5] = x[:, 4]  # inputs of five dimensions
    loader = [(part, None) for part in x.split(20)]
    seen = inspect_network(model, loader, samples=80)
    assert seen.layers["0"][:2] == (6, 4)  # five dimensions and the bias; one unit is dead
    assert seen.layers["2"][:2] == (4, 3)  # units 0 and 1 are one dimension, 3 and 4 two, the bias another
    assert seen.blocks["1"][0].tolist() == [0, 1]
    assert seen.silent["1"].tolist() == [2]
    with pytest.raises(ValueError, match=r"nn\.Linear"):
        inspect_network(nn.ReLU(), loader)
    shared = nn.Linear(4, 4)
    with pytest.raises(ValueError, match="used twice"):
        inspect_network(nn.Sequential(shared, nn.ReLU(), shared), [torch.randn(5, 4)])
    with pytest.raises(ValueError, match="no batch"):
        inspect_network(model, [])


def test_counts_of_a_module_bound_its_rank():
    model = _planted_module()
    x = torch.randn(60, 6, dtype=torch.float64)
    seen = inspect_network(model, [x])
    weights = dict(model.named_parameters())
    for name, layer in seen.layers.items():
        own = {key: value for key, value in weights.items() if key.startswith(f"{name}.")}
        rank = jacobian_rank(lambda p, x: torch.func.functional_call(model, p, (x,)), own, x).rank
        assert rank <= layer.activation_rank * layer.gradient_rank


def test_learning_coefficient_of_a_linear_module_is_half_its_parameters():
    torch.manual_seed(1)
    model = nn.Linear(3, 2)
    x = torch.randn(50, 3)
    estimate = estimate_learning_coefficient(model, [x], step_size=3e-5, strength=1e3, steps=2500, chains=16)
    assert estimate.value == pytest.approx(4, abs=0.4)
    loss, centre = own_loss(model, x)
    assert centre.shape == (1, 8)
    assert float(loss(centre[:, None])[0]) == pytest.approx(0, abs=1e-10)
    assert numerical_rank(np.eye(2)).rank == 2
