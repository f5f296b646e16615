"""Split kernels against the full Jacobian, central differences, and adapters against the layers that they adapt."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.language.encoders import Encoder
from lib.ntk.empirical import FORMS, adapter_kernel, full_kernel, split_kernel


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return Encoder(30, 7, 12, 2, 3).double().eval()


@pytest.fixture(scope="module")
def head():
    return torch.randn(3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def tokens(count: int, seed: int) -> torch.Tensor:
    return torch.randint(0, 30, (count, 7), generator=torch.Generator().manual_seed(seed))


def outputs(encoder):
    """head @ encoder(x) + b as a function of all parameters by name."""

    def function(values, sample):
        inner = {name: value for name, value in values.items() if name not in ("V", "b")}
        return torch.func.functional_call(encoder, inner, sample) @ values["V"].mT + values["b"]

    return function


def error(a, b) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("form", FORMS)
def test_the_split_is_the_kernel_of_all_parameters(encoder, head, form):
    x, y = tokens(5, 2), tokens(3, 3)
    values = {name: value.detach() for name, value in encoder.named_parameters()}
    values |= {"V": head, "b": torch.zeros(3, dtype=torch.float64)}
    full = full_kernel(outputs(encoder), values, x, y)
    split = split_kernel(encoder, head, x, y, form=form, layers=3, batch=2)
    assert error(split.total, full) < 1e-12
    assert split.total.shape == (5, 3, 3, 3)


def test_forms_agree_in_blocks(encoder, head, monkeypatch):
    x = tokens(6, 2)
    whole = split_kernel(encoder, head, x).tuned
    monkeypatch.setattr("lib.ntk.empirical._NUMBERS", 700)
    for form in ("rows", "tokens"):
        assert error(split_kernel(encoder, head, x, form=form).tuned, whole) < 1e-12


def test_the_kernel_predicts_outputs_after_a_small_step(encoder, head):
    """Central differences: f(theta + h J^T u) - f(theta - h J^T u) = 2 h F u for the encoder's parameters."""
    x, direction = tokens(4, 5), torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    tuned = split_kernel(encoder, head, x).tuned
    names, values = zip(
        *((name, value.detach().clone().requires_grad_()) for name, value in encoder.named_parameters())
    )

    def evaluate(parameters):
        return torch.func.functional_call(encoder, dict(zip(names, parameters)), (x,)) @ head.mT

    slopes = torch.autograd.grad(evaluate(values), values, direction)
    ends = [evaluate([v.detach() + h * s for v, s in zip(values, slopes)]) for h in (1e-6, -1e-6)]
    measured = (ends[0] - ends[1]) / 2e-6
    assert error(torch.einsum("ncmd,md->nc", tuned, direction), measured) < 1e-5


def test_a_scaled_head_scales_the_tuned_part_by_the_square(encoder, head):
    x = tokens(4, 5)
    one, three = split_kernel(encoder, head, x), split_kernel(encoder, 3 * head, x)
    assert error(three.tuned, 9 * one.tuned) < 1e-12
    assert torch.equal(three.pretrained, one.pretrained)


def test_without_a_bias_the_one_is_missing(encoder, head):
    x = tokens(4, 5)
    difference = split_kernel(encoder, head, x).pretrained - split_kernel(encoder, head, x, bias=False).pretrained
    expected = torch.einsum("nm,cd->ncmd", torch.ones(4, 4), torch.eye(3))
    torch.testing.assert_close(difference, expected.double())


def test_orthogonal_adapters_have_the_kernel_of_their_layers(encoder, head):
    x, y = tokens(5, 2), tokens(3, 3)
    names = ["blocks.0.query", "blocks.1.value"]
    source = torch.Generator().manual_seed(0)
    turns = {n: torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64, generator=source))[0] for n in names}
    restricted = split_kernel(encoder, head, x, y, only={f"{n}.weight" for n in names}.__contains__).tuned
    assert error(adapter_kernel(encoder, head, x, turns, y), restricted) < 1e-12
    half = {n: turn[:6] for n, turn in turns.items()}
    assert error(adapter_kernel(encoder, head, x, half, y), restricted) > 0.1


def test_the_adapters_kernel_is_that_of_b(encoder, head):
    """Against autograd over B at B = 0."""
    x = tokens(4, 2)
    down = torch.randn(2, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    base = {name: value.detach() for name, value in encoder.named_parameters()}

    def function(values, sample):
        changed = base["blocks.1.query.weight"] + values["B"] @ down
        return torch.func.functional_call(encoder, {**base, "blocks.1.query.weight": changed}, sample) @ head.mT

    full = full_kernel(function, {"B": torch.zeros(12, 2, dtype=torch.float64)}, x)
    assert error(adapter_kernel(encoder, head, x, {"blocks.1.query": down}), full) < 1e-12


class Mixed(nn.Module):
    """A convolution, a parameter of its own, a padded embedding looked up twice, and a layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 4, padding_idx=1)
        self.convolution, self.twice = nn.Conv1d(4, 4, 2), nn.Linear(4, 4)
        self.factor = nn.Parameter(torch.randn(4))

    def forward(self, x, more):
        first = self.convolution(self.table(x).mT).mean(2) + self.table(more)
        return torch.tanh(self.twice(torch.tanh(self.twice(first)))) * self.factor


def test_any_module_of_several_inputs():
    torch.manual_seed(1)
    module, head = Mixed().double().eval(), torch.randn(2, 4, dtype=torch.float64)
    x = (torch.randint(0, 9, (5, 6)), torch.randint(0, 9, (5,)))
    x[0][0, :3] = 1
    values = {name: value.detach() for name, value in module.named_parameters()}
    full = full_kernel(lambda v, sample: torch.func.functional_call(module, v, sample) @ head.mT, values, x)
    for form in FORMS:
        assert error(split_kernel(module, head, x, form=form).tuned, full) < 1e-12


def test_a_frozen_module_has_the_same_kernel(encoder, head):
    x = tokens(4, 2)
    before = split_kernel(encoder, head, x).tuned
    try:
        encoder.requires_grad_(False)
        assert error(split_kernel(encoder, head, x).tuned, before) < 1e-12
    finally:
        encoder.requires_grad_(True)
    assert all(value.grad is None for value in encoder.parameters())


def test_what_does_not_fit_is_refused(encoder, head):
    x = tokens(2, 0)
    with pytest.raises(ValueError, match="form: got 'dense'"):
        split_kernel(encoder, head, x, form="dense")
    with pytest.raises(ValueError, match="expected 12, the width"):
        split_kernel(encoder, head[:, :5], x)
    with pytest.raises(ValueError, match="expected names of linear layers"):
        adapter_kernel(encoder, head, x, {"norm": torch.ones(1, 12)})
    training = Encoder(30, 7, 12, 1, 3).double()
    with pytest.raises(ValueError, match="training mode"):
        split_kernel(training, head, x)


class Tied(nn.Module):
    """Two layers with one weight, or a layer whose weight is used once more."""

    def __init__(self, shared: bool):
        super().__init__()
        self.first, self.second, self.shared = nn.Linear(4, 4), nn.Linear(4, 4), shared
        if shared:
            self.second.weight = self.first.weight

    def forward(self, x):
        hidden = torch.tanh(self.second(torch.tanh(self.first(x))))
        return hidden if self.shared else hidden @ self.first.weight


@pytest.mark.parametrize("shared", [True, False])
def test_parameters_that_act_elsewhere_are_refused(shared):
    torch.manual_seed(2)
    module, x = Tied(shared).double().eval(), torch.randn(3, 4, dtype=torch.float64)
    with pytest.raises(ValueError, match="expected each parameter to act only where"):
        split_kernel(module, torch.randn(2, 4, dtype=torch.float64), x)


def test_single_precision_passes_its_own_check():
    torch.manual_seed(3)
    module, x, head = Encoder(30, 7, 12, 2, 3).eval(), tokens(6, 1), torch.randn(3, 12)
    single = split_kernel(module, head, x).tuned
    assert single.dtype == torch.float32
    assert error(single, split_kernel(module.double(), head.double(), x).tuned) < 1e-5


def test_no_row_is_longer_than_a_layer(encoder, head):
    """The contraction holds no per-sample gradient of a large layer: peak memory stays below one Jacobian row block."""
    from lib.bench.memory import peak_tensor_bytes

    torch.manual_seed(0)
    wide = nn.Sequential(nn.Linear(900, 700), nn.Tanh(), nn.Linear(700, 8)).double().eval()
    v, x = torch.randn(3, 8, dtype=torch.float64), torch.randn(16, 900, dtype=torch.float64)
    jacobian = 16 * 3 * 900 * 700 * 8
    peak = peak_tensor_bytes(lambda: split_kernel(wide, v, x))
    assert peak < jacobian / 10, np.round(peak / jacobian, 3)
