"""Losses of modules and of stacks of perceptrons, running statistics, parameters as vectors and files."""

import pytest
import torch
from torch import nn

from lib.landscape.convolutional import resnet20, vgg11
from lib.landscape.curvature import endpoint_estimate
from lib.landscape.losses import (
    draw_mlps,
    mean_over_batches,
    mlp,
    mlp_errors,
    mlp_losses,
    mlp_outputs,
    module_loss,
    running_statistics,
)
from lib.landscape.parameters import flatten, inner, layers_of, parameters_of, read_parameters, select, unflatten

X = torch.randn(50, 4, generator=torch.Generator().manual_seed(1))
Y = torch.arange(50) % 3


def test_starts_are_those_of_torch_linear_layers():
    stack = draw_mlps([4, 400, 3], [0, 1])
    assert {name: tuple(value.shape) for name, value in stack.items()} == {
        "0.weight": (2, 400, 4), "0.bias": (2, 400), "2.weight": (2, 3, 400), "2.bias": (2, 3)
    }  # fmt: skip
    assert float(stack["0.weight"].abs().max()) == pytest.approx(0.5, abs=5e-3)
    assert float(stack["2.weight"].abs().max()) == pytest.approx(0.05, abs=5e-4)
    assert torch.equal(select(stack, 1)["0.weight"], draw_mlps([4, 400, 3], [1])["0.weight"][0])


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_a_stack_computes_what_the_modules_compute(activation):
    stack = draw_mlps([4, 6, 5, 3], [0, 1])
    module = mlp([4, 6, 5, 3], activation)
    for i in range(2):
        module.load_state_dict(select(stack, i))
        outputs = module(X)
        torch.testing.assert_close(mlp_outputs(stack, X, activation)[i], outputs, rtol=1e-5, atol=1e-6)
        targets = Y.expand(2, -1)
        entropy = nn.functional.cross_entropy(outputs, Y)
        torch.testing.assert_close(mlp_losses(stack, X, targets, activation)[i], entropy, rtol=1e-5, atol=1e-6)
        wrong = (outputs.argmax(1) != Y).double().mean()
        torch.testing.assert_close(mlp_errors(stack, X, targets, activation)[i], wrong)


def test_batches_count_by_their_size():
    module = mlp([4, 6, 3])
    whole, parts = (module_loss(module, batches) for batches in ([(X, Y)], [(X[:32], Y[:32]), (X[32:], Y[32:])]))
    parameters = parameters_of(module)
    torch.testing.assert_close(whole(parameters), parts(parameters))
    with pytest.raises(ValueError, match="batches"):
        module_loss(module, [])(parameters)


def test_running_statistics_are_taken_anew_at_every_point():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).eval()
    batches = [(X[:25], Y[:25]), (X[25:], Y[25:])]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    statistics = running_statistics(module, parameters_of(module), batches)
    hidden = [module[0](x) for x, _ in batches]
    torch.testing.assert_close(statistics["1.running_mean"], sum(h.mean(0) for h in hidden) / 2)
    torch.testing.assert_close(statistics["1.running_var"], sum(h.var(0) for h in hidden) / 2)
    torch.testing.assert_close(dict(module.state_dict()), before)
    assert not module[1].training
    stale, fresh = (module_loss(module, batches, reset_statistics=reset) for reset in (False, True))
    shifted = {name: value + (5 if name == "0.bias" else 0) for name, value in parameters_of(module).items()}
    torch.testing.assert_close(fresh(shifted), fresh(parameters_of(module)), rtol=1e-4, atol=1e-5)
    assert abs(float(stale(shifted) - stale(parameters_of(module)))) > 0.1


def test_vectors_and_back():
    stack = draw_mlps([4, 6, 3], [0, 1])
    vectors = flatten(stack, stacked=True)
    assert vectors.shape == (2, 51)
    torch.testing.assert_close(unflatten(vectors, stack, stacked=True), stack, rtol=0, atol=0)
    torch.testing.assert_close(unflatten(vectors[0], select(stack, 0)), select(stack, 0), rtol=0, atol=0)
    torch.testing.assert_close(inner(stack, stack, stacked=True), (vectors.double() ** 2).sum(1))
    with pytest.raises(ValueError, match="entries"):
        unflatten(vectors[:, :-1], stack, stacked=True)


def test_layers_are_weight_and_bias_together():
    assert layers_of({"a.weight": 0, "a.bias": 0, "b.c.weight": 0, "scale": 0}) == {
        "a": ["a.weight", "a.bias"], "b.c": ["b.c.weight"], "": ["scale"]
    }  # fmt: skip


def test_files_of_both_kinds_give_the_same_parameters(tmp_path):
    from safetensors.torch import save_file

    module = mlp([4, 6, 3])
    torch.save(module.state_dict(), tmp_path / "plain.pt")
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, tmp_path / "wrapped.pt")
    save_file(module.state_dict(), tmp_path / "one.safetensors")
    for name in ("plain.pt", "wrapped.pt", "one.safetensors"):
        torch.testing.assert_close(read_parameters(tmp_path / name), dict(module.state_dict()))
    torch.save({"epoch": 3, "0.weight": torch.zeros(1)}, tmp_path / "mixed.pt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="expected a dictionary"):
        read_parameters(tmp_path / "list.pt")
    with pytest.raises(ValueError, match="tensors alone"):
        read_parameters(tmp_path / "mixed.pt")


def test_linear_measures_are_averaged_over_batches():
    module = mlp([4, 6, 3], "tanh")
    one, other = parameters_of(module), parameters_of(mlp([4, 6, 3], "tanh"))
    batches = [(X[:32], Y[:32]), (X[32:], Y[32:])]
    whole = endpoint_estimate(module_loss(module, [(X, Y)]), one, other)
    parts = mean_over_batches(lambda loss: endpoint_estimate(loss, one, other), module, batches)
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="batches"):
        mean_over_batches(lambda loss: loss(one), module, [])


def test_convolutional_networks_have_their_sizes():
    for build, count, least in ((resnet20, 10, 2.6e5), (vgg11, 10, 9.0e6)):
        module = build(count)
        assert least < sum(value.numel() for value in module.parameters()) < 1.1 * least
        assert module(torch.zeros(2, 3, 32, 32)).shape == (2, count)
        assert not dict(module.named_buffers())
