"""Training of many small networks at once, against autograd, one network at a time, and the closed form."""

import numpy as np
import pytest
import torch

from lib.ntk.networks import (
    Networks,
    draw,
    eigenvalues,
    fit_last_layer,
    permutation,
    predict,
    step_size,
    train,
    train_standard,
)
from lib.ntk.samples import binary_inputs, pairs, unit


def networks(models=3, width=300, size=4, outputs=4, seed=0):
    return draw(models, width, size, outputs, np.random.default_rng(seed), dtype=torch.float64)


def by_definition(nets: Networks, inputs) -> torch.Tensor:
    width, size = nets.first.shape[1:]
    rows = [w2 @ torch.relu(w1 @ inputs.T / size**0.5) / width**0.5 for w1, w2 in zip(*nets)]
    return torch.stack(rows).mT


def test_outputs_are_the_definition(monkeypatch):
    nets, inputs = networks(), torch.from_numpy(unit(binary_inputs(4)))
    whole = predict(nets, inputs)
    torch.testing.assert_close(whole, by_definition(nets, inputs), rtol=1e-12, atol=1e-12)
    monkeypatch.setattr("lib.ntk.networks._ELEMENTS", 1)  # an input at a time
    torch.testing.assert_close(predict(nets, inputs), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", ["ntk", "last_layer"])
def test_a_step_is_autograd_s(kernel):
    nets, target = networks(), permutation(1, 4, None).double()[None]
    leaves = Networks(*(weights.clone().requires_grad_() for weights in nets))
    loss = ((by_definition(leaves, torch.eye(4, dtype=torch.float64)).mT - target) ** 2).sum() / 2
    loss.backward()
    stepped = Networks(
        nets.first - step_size(kernel, 4) * leaves.first.grad * (kernel == "ntk"),
        nets.second - step_size(kernel, 4) * leaves.second.grad,
    )
    residual = train(nets, target, kernel).residual
    expected = by_definition(stepped, torch.eye(4, dtype=torch.float64)).mT - target
    torch.testing.assert_close(residual[1], expected, rtol=1e-9, atol=1e-9)


def test_the_closed_form_is_where_gradient_descent_ends():
    nets, target = networks(outputs=4), permutation(2, 4, None).double()[None]
    inputs = torch.from_numpy(unit(binary_inputs(4)))
    trained = train(nets, target, "last_layer", tolerance=1e-11).networks
    solved = fit_last_layer(nets, target)
    torch.testing.assert_close(predict(solved, inputs), predict(trained, inputs), rtol=0, atol=1e-9)
    torch.testing.assert_close(predict(solved, torch.eye(4).double()).mT, target.expand(3, 4, 4), rtol=0, atol=1e-10)


def test_networks_do_not_see_each_other():
    nets, target = networks(), torch.eye(4).double()[None]
    together = train(nets, target, "ntk", tolerance=1e-10).networks
    alone = train(Networks(nets.first[1:2], nets.second[1:2]), target, "ntk", tolerance=1e-10).networks
    inputs = torch.from_numpy(unit(binary_inputs(4)))
    torch.testing.assert_close(predict(together, inputs)[1:2], predict(alone, inputs), rtol=0, atol=1e-8)


def test_the_rate_is_that_of_the_smallest_eigenvalue():
    nets = draw(2, 8192, 4, 4, np.random.default_rng(0))
    residual = train(nets, torch.eye(4)[None], "ntk").residual
    norms = torch.linalg.matrix_norm(residual - residual.mean(dim=3, keepdim=True))
    factor = (norms[10] / norms[2]) ** (1 / 8)
    expected = 1 - step_size("ntk", 4) * eigenvalues("ntk", 4)[0]
    np.testing.assert_allclose(factor, expected, rtol=0.1)


def test_the_standard_parametrisation_is_a_module_trained_by_sgd():
    size, width, rate, steps = 3, 50, 0.5, 7
    target, inputs = permutation(2, size, None), torch.from_numpy(unit(pairs(size))).float()
    outputs, error = train_standard(2, width, target, inputs, np.random.default_rng(0), rate=rate, steps=steps)
    rng = np.random.default_rng(0)
    first = torch.from_numpy(rng.standard_normal((2, width, size), dtype="float32")) / size**0.5
    second = torch.from_numpy(rng.standard_normal((2, size, width), dtype="float32")) / width**0.5
    for i in range(2):
        model = torch.nn.Sequential(torch.nn.Linear(size, width), torch.nn.ReLU(), torch.nn.Linear(width, size))
        with torch.no_grad():
            for layer, weights in ((model[0], first[i]), (model[2], second[i])):
                layer.weight.copy_(weights)
                layer.bias.zero_()
        optimiser = torch.optim.SGD(model.parameters(), lr=rate)
        for _ in range(steps):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(model(torch.eye(size)), target.T).backward()
            optimiser.step()
        with torch.no_grad():
            torch.testing.assert_close(outputs[i], model(inputs), rtol=1e-4, atol=1e-5)
            assert float(error[i]) == pytest.approx(float((model(torch.eye(size)) - target.T).abs().max()), abs=1e-5)


def test_permutations():
    orders = [permutation(kind, 5, np.random.default_rng(0)) for kind in range(4)]
    assert torch.equal(orders[0], torch.eye(5))
    assert torch.equal(orders[1] @ torch.arange(5.0), torch.arange(5.0).flip(0))
    power = torch.linalg.matrix_power(orders[2], 5)
    assert torch.equal(power, torch.eye(5))
    assert not any(torch.equal(torch.linalg.matrix_power(orders[2], n), torch.eye(5)) for n in range(1, 5))
    assert all(torch.equal(order.sum(dim=0), torch.ones(5)) for order in orders)


def test_failures_are_named():
    nets = networks()
    with pytest.raises(RuntimeError, match="after 2 steps, expected below 1e-05"):
        train(nets, torch.eye(4).double()[None], "ntk", most=2)
    with pytest.raises(RuntimeError, match="training: an error of nan"):
        train(Networks(nets.first * float("nan"), nets.second), torch.eye(4).double()[None], "ntk")
    with pytest.raises(ValueError, match="kernel: got 'both'"):
        train(nets, torch.eye(4).double()[None], "both")
    with pytest.raises(RuntimeError, match="width 2: the activations of 4 basis vectors are dependent"):
        fit_last_layer(networks(width=2), torch.eye(4).double()[None])
