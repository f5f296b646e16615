"""LinearScope against Jacobians by automatic differentiation, explicit matrices and networks of transformers."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import svds
from torch import nn
from torch.nn import functional as F

from lib.interpreters import units
from lib.interpreters.checks import autograd_jacobian, bias_effect, build, logits_of, refusals
from lib.interpreters.networks import classifier, randomise
from lib.interpreters.scope import UnsupportedUnitError, linear_scope

SHAPE = (1, 3, 6, 6)


class Calls(nn.Module):
    """A convolution, a unit called as a function, a convolution."""

    def __init__(self, unit):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)
        self.unit = unit
        self.double().eval()

    def forward(self, x):
        return self.second(self.unit(self.first(x)))


def picture(shape=SHAPE, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def errors(model, x, **options):
    """Errors of F x + r and of the adjoint, distance of F from the Jacobian; whether the output has the same bits."""
    call = options.get("call") or (lambda model, batch: model(batch))
    with linear_scope(model, **options) as scope:
        interpreter = scope.at(x)
        matrix = interpreter.columns(range(x.numel())).T
        output, residual = interpreter.output.flatten(), interpreter.residual.flatten()
        rows = interpreter.rows(range(len(output)))
    with torch.no_grad():
        plain = call(model, torch.cat([x, torch.zeros_like(x)]))[0].flatten()
    jacobian = autograd_jacobian(model, x, call)
    identity = (matrix @ x.flatten() + residual - output).abs().max() / output.abs().max()
    return [
        float(value.detach())
        for value in (identity, (rows - matrix).norm() / matrix.norm(), (matrix - jacobian).norm() / jacobian.norm())
    ] + [torch.equal(output, plain)]


PIECEWISE = {
    "relu": F.relu,
    "relu method": lambda x: x.relu(),
    "relu in place": lambda x: x.relu_(),
    "relu in place, function": lambda x: F.relu(x, inplace=True),
    "relu twice": lambda x: torch.relu_(x) - F.relu(-x),
    "leaky": lambda x: F.leaky_relu(x, 0.3),
    "prelu": lambda x: F.prelu(x, torch.full((4,), 0.2, dtype=x.dtype)),
    "relu6": lambda x: F.relu6(5 * x),
    "hardtanh": F.hardtanh,
    "hardsigmoid": lambda x: F.hardsigmoid(4 * x),
    "clamp": lambda x: x.clamp(-0.2, 0.5),
    "clamp one side": lambda x: x.clamp(min=0.1),
    "clamp_min": lambda x: x.clamp_min(0.1),
    "abs": torch.abs,
    "maximum": lambda x: torch.maximum(x, 0.5 * x.flip(-1)),
    "minimum with a constant first": lambda x: torch.minimum(torch.linspace(-1, 1, 4, dtype=x.dtype)[:, None, None], x),
    "mask, joined": lambda x: x * ((x > -0.2) & (x < 0.3)),
    "grid": lambda x: F.grid_sample(x, torch.full((len(x), 3, 3, 2), 0.3, dtype=x.dtype), align_corners=False),
    "where": lambda x: torch.where(x > 0, x, 0.1 * x),
    "mask": lambda x: x * (x > 0),
    "max pool": lambda x: F.max_pool2d(x, 2),
    "max pool, overlapping": lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True),
    "max pool, padded and dilated": lambda x: F.max_pool2d(x, 2, 1, padding=1, dilation=2),
    "adaptive max pool": lambda x: F.adaptive_max_pool2d(x, 3),
    "average pool": lambda x: F.avg_pool2d(x, 2),
    "bilinear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "unshuffle": lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2),
    "padding": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "permute and back": lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    "chunks": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "slices": lambda x: torch.cat([x[:, :2], x[:, 2:] * 2], 1),
    "write into a buffer": lambda x: _written(x),
    "constants": lambda x: 1 - x / 2 + torch.ones_like(x) * torch.arange(6, dtype=x.dtype),
    "detach": lambda x: F.relu(x) + 0 * x.detach(),
}  # fmt: skip


def _written(x):
    buffer = torch.zeros_like(x)
    buffer[:, 1:] = F.relu(x[:, :-1])
    buffer += x
    return buffer


@pytest.mark.parametrize("name", PIECEWISE)
def test_piecewise_linear_units_give_the_jacobian(name):
    identity, adjoint, jacobian, same = errors(Calls(PIECEWISE[name]), picture())
    assert max(identity, adjoint) < 1e-12
    assert jacobian < (1e-7 if name == "hardsigmoid" else 1e-12)  # PyTorch rounds the slope 1 / 6 to single precision
    assert same


SMOOTH = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu, "gelu, tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu, "silu in place": lambda x: F.silu(x, inplace=True), "tanh_": lambda x: x.tanh_(),
    "softplus": F.softplus, "elu": F.elu, "mish": F.mish, "hardswish": F.hardswish,
    "softsign": F.softsign, "logsigmoid": F.logsigmoid,
    "instance": lambda x: F.instance_norm(x), "layer": lambda x: F.layer_norm(x, x.shape[1:]),
    "group": lambda x: F.group_norm(x, 2), "rms": lambda x: F.rms_norm(x, x.shape[-1:]),
    "normalize": lambda x: F.normalize(x),
    "norm by hand": lambda x: (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True),
    "gate": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "square": lambda x: x * x,
    "softmax": lambda x: torch.softmax(x, 1) * x,
    "matmul": lambda x: torch.softmax(x @ x.transpose(-1, -2), -1) @ x,
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
}  # fmt: skip


@pytest.mark.parametrize(("gate", "norm_mean"), zip(units.GATES, units.NORM_MEANS))
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_units_are_replayed_and_differ_from_the_jacobian(name, gate, norm_mean):
    identity, adjoint, jacobian, same = errors(Calls(SMOOTH[name]), picture(), gate=gate, norm_mean=norm_mean)
    assert max(identity, adjoint) < 1e-12
    assert jacobian > 1e-4
    assert same


def test_sigmoid_by_hand():
    unit, x = Calls(torch.sigmoid), picture()
    unit.first, unit.second = nn.Identity(), nn.Identity()
    ratio = {"mask": torch.sigmoid(x) / x, "secant": (torch.sigmoid(x) - 0.5) / x}
    for gate, expected in ratio.items():
        with linear_scope(unit, gate=gate) as scope:
            interpreter = scope.at(x)
            torch.testing.assert_close(interpreter.dense().diagonal(), expected.flatten())
            constant = 0.0 if gate == "mask" else 0.5
            torch.testing.assert_close(interpreter.residual, torch.full_like(x[0], constant), atol=1e-12, rtol=0)


def test_at_zero_a_smooth_unit_has_its_slope_and_relu_none():
    x = torch.zeros(1, 1, 2, 2, dtype=torch.float64)
    for unit, slope in ((torch.tanh, 1.0), (torch.sigmoid, 0.25), (F.relu, 0.0), (F.gelu, 0.5)):
        model = Calls(unit)
        model.first, model.second = nn.Identity(), nn.Identity()
        with linear_scope(model) as scope:
            torch.testing.assert_close(scope.at(x).dense(), slope * torch.eye(4, dtype=torch.float64))


def test_instance_norm_by_an_explicit_matrix():
    x, model = picture((1, 1, 3, 3)), Calls(lambda x: F.instance_norm(x))
    model.first, model.second = nn.Identity(), nn.Identity()
    scale = 1 / torch.sqrt(x.var(correction=0) + 1e-5)
    for norm_mean, matrix in (("frozen", torch.eye(9)), ("linear", torch.eye(9) - torch.ones(9, 9) / 9)):
        with linear_scope(model, norm_mean=norm_mean) as scope:
            interpreter = scope.at(x)
            torch.testing.assert_close(interpreter.dense(), scale * matrix.double())
            rest = -scale * x.mean() if norm_mean == "frozen" else torch.zeros(())
            torch.testing.assert_close(interpreter.residual, rest.double().expand(1, 3, 3), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["hf-resnet", "hf-mobilenet", "hf-convnext"])
def test_unmodified_architectures_of_transformers(name):
    model, options, shape = build(name, 0)
    x = picture(shape)
    with linear_scope(model, **options) as scope:
        interpreter = scope.at(x)
        matrix = interpreter.dense()
        output, residual = interpreter.output, interpreter.residual
        u, v = picture((5,), 1), picture((x.numel(),), 2)
        torch.testing.assert_close(u @ interpreter.matvec(v), interpreter.rmatvec(u) @ v)
    torch.testing.assert_close(matrix @ x.flatten() + residual, output)
    distance = (matrix - autograd_jacobian(model, x, logits_of)).norm() / matrix.norm()
    assert distance < 1e-10 if name != "hf-convnext" else distance > 1e-3


@pytest.mark.parametrize("kind", ["vgg", "resnet", "alexnet", "vgg-nobn"])
def test_the_residual_is_the_effect_of_the_biases(kind):
    model = randomise(classifier(kind, widths=(4, 6)), 1).double().eval()
    x = picture((1, 1, 8, 8))
    with linear_scope(model) as scope:
        residual = scope.at(x).residual
    torch.testing.assert_close(bias_effect(model, x), residual, rtol=1e-10, atol=1e-12)


def test_without_biases_the_residual_is_zero_and_the_network_homogeneous():
    model = randomise(classifier("resnet-free", widths=(4, 6)), 1).double().eval()
    x = picture((1, 1, 8, 8))
    with linear_scope(model) as scope:
        assert not scope.at(x).residual.any()
    torch.testing.assert_close(model(3 * x), 3 * model(x))


def test_what_cannot_be_replayed_is_refused_by_name():
    assert all(refusals().values()), refusals()


@pytest.mark.parametrize(
    "unit", [lambda x: x / x.std(), lambda x: x - x.std(0), lambda x: x + x.norm(2, 0), lambda x: x.unsqueeze(0)[0]]
)
def test_statistics_over_the_batch_are_refused(unit):
    with linear_scope(Calls(unit)) as scope, pytest.raises(UnsupportedUnitError):
        scope.at(picture())


def test_properties_are_told_apart():
    """Their getters are objects of a moment, whose addresses are used again."""

    def unit(x):
        for _ in range(20):
            assert x.shape[1] == 4
            assert x.mT.ndim == 4
        return F.relu(x.mT).mT * x.shape[-1]

    identity, adjoint, jacobian, same = errors(Calls(unit), picture())
    assert max(identity, adjoint, jacobian) < 1e-12
    assert same
    for hidden in (lambda x: x.T.T, lambda x: x + x.data, lambda x: x.new_tensor(x)):
        with linear_scope(Calls(hidden)) as scope, pytest.raises(UnsupportedUnitError):
            scope.at(picture())


def test_arguments_by_name():
    weight = torch.full((4, 1, 3, 3), 0.1, dtype=torch.float64)
    unit = lambda x: F.conv2d(input=F.relu(input=x), weight=weight, groups=4, padding=1)  # noqa: E731
    assert max(errors(Calls(unit), picture())[:3]) < 1e-12
    dynamic = lambda x: F.conv2d(x, weight=x.mean(0, keepdim=True).transpose(0, 1)[:, :, :3, :3], groups=4)  # noqa: E731
    with linear_scope(Calls(dynamic)) as scope, pytest.raises(UnsupportedUnitError):
        scope.at(picture())


def test_single_precision():
    model, x = Calls(F.gelu).float(), picture().float()
    with linear_scope(model) as scope:
        interpreter = scope.at(x)
        values = np.linalg.svd(interpreter.dense().numpy(), compute_uv=False)
        np.testing.assert_allclose(interpreter.singular_vectors(3).values, values[:3], rtol=1e-4)


def test_a_refusal_names_the_module():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(nn.ReLU(), nn.Softmin(1))).eval()
    with (
        linear_scope(model) as scope,
        pytest.raises(UnsupportedUnitError, match=r"softmin in module '1\.1' \(Softmin\)"),
    ):
        scope.at(torch.randn(SHAPE))


def test_a_rule_of_ones_own():
    def square(x, options, exponent):
        a = units.real(x)
        return a * x if exponent == 2 else x

    identity, adjoint, _, same = errors(Calls(lambda x: x.pow(2)), picture(), rules={"pow": square})
    assert max(identity, adjoint) < 1e-12
    assert same


def test_training_mode_and_closed_scopes_are_refused():
    model = classifier("vgg")
    with pytest.raises(ValueError, match="training mode"), linear_scope(model):
        pass
    model.eval()
    with linear_scope(model) as scope:
        interpreter = scope.at(torch.rand(1, 1, 8, 8))
        with pytest.raises(ValueError, match="finite"):
            scope.at(torch.full((1, 1, 8, 8), torch.nan))
        with pytest.raises(ValueError, match="batch axis"):
            scope.at(torch.rand(1, 8, 8)[0])
    with pytest.raises(ValueError, match="closed"):
        interpreter.matvec(torch.zeros(64))
    with pytest.raises(ValueError, match="gate"):
        linear_scope(model, gate="none")
    assert not model._forward_pre_hooks
    assert not model._forward_hooks


def test_the_network_called_inside_the_scope_replays_its_batch():
    model, x, probe = Calls(F.relu), picture(), picture(seed=1)
    with linear_scope(model) as scope, torch.no_grad():
        first, second = model(torch.cat([x, probe]))
        torch.testing.assert_close(second, scope.at(x).apply(probe)[0])
        torch.testing.assert_close(torch.relu(second - second.mean()), torch.relu(second - second.mean()))
    torch.testing.assert_close(first, model(x)[0])


def test_products_of_many_vectors_and_the_operator_of_scipy():
    model, x = Calls(F.silu), picture()
    with linear_scope(model) as scope:
        interpreter = scope.at(x)
        matrix = interpreter.dense().numpy()
        rng = np.random.default_rng(0)
        for count in (1, 5, 16, 37):
            u, v = rng.standard_normal((count, matrix.shape[0])), rng.standard_normal((count, matrix.shape[1]))
            np.testing.assert_allclose(interpreter.matvec(v), v @ matrix.T, atol=1e-12)
            np.testing.assert_allclose(interpreter.rmatvec(u), u @ matrix, atol=1e-12)
        operator = interpreter.as_linear_operator()
        block = rng.standard_normal((matrix.shape[1], 3))
        np.testing.assert_allclose(operator @ block, matrix @ block, atol=1e-12)
        np.testing.assert_allclose(operator.T @ u[0], matrix.T @ u[0], atol=1e-12)
        values = np.linalg.svd(matrix, compute_uv=False)[:4]
        np.testing.assert_allclose(np.sort(svds(operator, 4)[1])[::-1], values, rtol=1e-8)
        np.testing.assert_allclose(interpreter.singular_vectors(4).values, values, rtol=1e-8)
        with pytest.raises(ValueError, match="v: got shape"):
            interpreter.matvec(np.zeros(3))
        with pytest.raises(ValueError, match="index"):
            interpreter.rows([matrix.shape[0]])


def test_votes_and_residual_add_up_to_the_logits():
    model = randomise(classifier("vgg"), 0).double().eval()
    x = picture((1, 1, 8, 8))
    with linear_scope(model) as scope:
        interpreter = scope.at(x)
        torch.testing.assert_close(interpreter.votes(range(10)).sum(1) + interpreter.residual, interpreter.output)
        assert not interpreter.votes([0], baseline=x).any()
