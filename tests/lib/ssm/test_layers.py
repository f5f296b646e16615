"""Layers: a stack is its models, decoding is the forward pass, initial values are the paper's."""

import pytest
import torch
from torch.nn.functional import silu, softplus

from lib.ssm import GatedDeltaNet, Mamba2, Mamba3, mamba3_scan
from lib.ssm.models import MAMBA3, OTHERS, matched_hidden, mixer, sequence_model, state_bytes, token_turns
from lib.training.stacked import count_parameters, generators

SMALL = {"head_dim": 16, "d_state": 8, "dt_range": (0.1, 1.0)}
VARIANTS = [
    {},
    {"rank": 4},
    {"rotation": "fixed"},
    {"rotation": "none", "bias": ""},
    {"conv": 4, "lam": 1.0, "is_outproj_norm": True, "decay": "heavy_tail", "n_groups": 2},
    {"rank": 2, "is_outproj_norm": True},
]


def _inputs(tokens: int = 13):
    return torch.randn(3, 2, tokens, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [*MAMBA3, *OTHERS])
def test_a_stack_holds_the_models_that_train_alone(name):
    u = _inputs().double()
    stack = mixer(name, 32, generators([0, 1, 2]), **SMALL).double()
    alone = mixer(name, 32, generators([1]), **SMALL).double()
    torch.testing.assert_close(stack(u)[1:2], alone(u[1:2]))
    stack(u)[1].square().sum().backward()
    alone(u[1:2]).square().sum().backward()
    for (label, first), (_, second) in zip(stack.named_parameters(), alone.named_parameters()):
        torch.testing.assert_close(first.grad[1:2], second.grad, msg=label)
        assert float(first.grad[[0, 2]].abs().max()) == 0, label


@pytest.mark.parametrize("options", VARIANTS)
def test_prefill_and_decoding_are_the_forward_pass(options):
    layer = Mamba3(32, generators([0, 1, 2]), head_dim=16, d_state=8, rope_fraction=1.0, **options)
    u = _inputs()
    expected = layer(u)
    y, state = layer(u[:, :, :7], return_state=True)
    outputs = [y]
    y, state = layer(u[:, :, 7:9], state, return_state=True)
    outputs.append(y)
    for t in range(9, 13):
        y, state = layer.step(u[:, :, t], state)
        outputs.append(y[:, :, None])
    torch.testing.assert_close(torch.cat(outputs, 2), expected, rtol=1e-5, atol=2e-6)
    assert state.tokens == 13


@pytest.mark.parametrize("backend", ["recurrent", "quadratic", "chunked"])
def test_the_backend_does_not_matter(backend):
    u = _inputs()
    first = mixer("mimo", 32, generators([0, 1, 2]), **SMALL, backend=backend, chunk_size=8)
    second = mixer("mimo", 32, generators([0, 1, 2]), **SMALL)
    torch.testing.assert_close(first(u), second(u), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["mamba3", "mimo", "mamba2", "gdn"])
def test_layers_run_in_mixed_precision(name):
    u = _inputs()
    layer = mixer(name, 32, generators([0, 1, 2]), **SMALL)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(u)
    assert float((y - layer(u)).detach().abs().max()) < 0.05 * float(layer(u).detach().abs().max())
    y.float().square().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in layer.parameters())


def test_layers_are_causal():
    u = _inputs()
    changed = u.clone()
    changed[:, :, 8:] += 1
    for name in ("mamba3", "mimo", "conv", "mamba2", "gdn", "softmax"):
        layer = mixer(name, 32, generators([0, 1, 2]), **SMALL)
        torch.testing.assert_close(layer(u)[:, :, :8], layer(changed)[:, :, :8], msg=name)
        assert float((layer(u) - layer(changed)).detach()[:, :, 8:].abs().max()) > 1e-3


def test_initial_values():
    layer = Mamba3(64, generators([0, 1]), head_dim=16, d_state=16, rank=4, dt_range=(0.01, 0.5))
    dt = softplus(layer.dt_bias)
    assert float(dt.detach().min()) >= 0.01
    assert float(dt.detach().max()) <= 0.5 + 1e-6
    assert bool((layer.B_bias == 1).all())
    assert bool((layer.C_bias == 1).all())
    assert bool((layer.D == 1).all())
    assert float(layer.m_x.detach().mean()) == float(layer.m_o.detach().mean()) == 1 / 4
    assert bool((layer.m_z == 1).all())
    assert layer.dt_bias.no_weight_decay
    assert layer.D.no_weight_decay
    columns = 2 * 128 + 2 * 16 * 4 + 3 * 8 + 4  # 2 d_inner + 2 N G R + 3 H + S
    assert layer.in_proj.weight.shape == (2, 64, columns)


def test_rotations_that_a_layer_reports_are_those_of_its_scan():
    layer = Mamba3(32, generators([0]), head_dim=16, d_state=8, rope_fraction=1.0)
    u = _inputs()[:1]
    _, state = layer(u, return_state=True)
    total = torch.remainder(layer.turns(u).sum(2), 2 * torch.pi)
    difference = torch.remainder(total[0] - state.scan.angle + torch.pi, 2 * torch.pi) - torch.pi
    assert float(difference.detach().abs().max()) < 1e-4


def test_parameters_are_matched():
    options = {"head_dim": 16, "d_state": 16, "dt_range": (0.01, 0.5), "channel": "swiglu"}
    sizes = (100, 64, 2)
    expected = count_parameters(sequence_model("mamba3", *sizes, generators([0]), hidden=128, **options))
    for name in ("mimo", "gdn", "softmax"):
        hidden = matched_hidden(name, *sizes, hidden=128, **options)
        model = sequence_model(name, *sizes, generators([0]), hidden=hidden, **options)
        assert abs(count_parameters(model) / expected - 1) < 0.01, name


def test_turns_of_tokens_are_those_of_the_first_layer():
    options = {"hidden": 16, "channel": "gelu", "head_dim": 16, "d_state": 8, "dt_range": (0.1, 1.0)}
    model = sequence_model("mamba3", 5, 32, 2, generators([0, 1]), **options)
    turn = token_turns(model, 5)
    assert turn.shape == (2, 5, 4, 4)
    one = model.mixers[0].turns(model.mixer_norms[0](model.embedding(torch.full((2, 1, 1), 3))))
    torch.testing.assert_close(turn[:, 3], one[:, 0, 0])
    assert token_turns(sequence_model("mamba2", 5, 32, 1, generators([0]), **options), 5) is None


def test_state_bytes_are_those_of_the_matrix_state():
    layer = Mamba3(64, generators([0]), head_dim=16, d_state=8)
    _, state = layer(torch.randn(1, 1, 3, 64), return_state=True)
    assert state_bytes("mamba3", 64, head_dim=16, d_state=8) == state.scan.h.numel() * 4


def test_bad_sizes_are_refused():
    source = generators([0])
    with pytest.raises(ValueError, match="head_dim"):
        Mamba3(32, source, head_dim=24)
    with pytest.raises(ValueError, match="head_dim"):
        Mamba2(32, source, head_dim=24)
    with pytest.raises(ValueError, match="rotation"):
        Mamba3(32, source, head_dim=16, rotation="some")
    with pytest.raises(ValueError, match="decay"):
        Mamba3(32, source, head_dim=16, decay="some")
    with pytest.raises(ValueError, match="dt_range"):
        GatedDeltaNet(32, source, n_heads=2, d_key=4, d_value=4, dt_range=(0.5, 0.1))
    with pytest.raises(ValueError, match="name"):
        mixer("mamba4", 32, source, **SMALL)
    with pytest.raises(ValueError, match="channel"):
        sequence_model("mamba3", 4, 32, 1, source, hidden=8, channel="relu", **SMALL)


@pytest.mark.parametrize("rank", [1, 2])
def test_the_output_norm_stands_before_the_gate_and_normalises_each_rank(rank):
    """With a gate of silu(z) = c for all channels the output is c times normalised rows, however large the rows are."""
    layer = Mamba3(32, generators([0]), head_dim=16, d_state=8, rank=rank, is_outproj_norm=True)
    with torch.no_grad():
        layer.norm.copy_(torch.rand_like(layer.norm))
        if rank > 1:
            layer.m_o.copy_(torch.rand_like(layer.m_o))
    arguments, options, _ = layer._inputs(_inputs()[:1], None)
    z = options["z"]
    rows = []
    for r in range(rank):
        one = {name: value for name, value in options.items() if name not in ("z", "mimo")}
        if rank > 1:
            single = torch.nn.functional.one_hot(torch.tensor(r), rank).float()[None, :, None].expand_as(layer.m_o[0])
            one["mimo"] = (layer.m_x[0], single, single)
        y = mamba3_scan(*arguments, **one)[0]
        y = y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt() * layer.norm[0]
        rows.append(y * silu(z) if rank == 1 else y * silu(z * layer.m_z[0][:, r]) * layer.m_o[0][:, r])
    expected = layer._output(sum(rows))
    torch.testing.assert_close(layer(_inputs()[:1]), expected, rtol=1e-5, atol=1e-6)
    assert layer.norm.shape == (1, layer.H, layer.P)


def test_a_fixed_lambda_and_single_biases_are_what_their_names_say():
    assert torch.sigmoid(torch.tensor(mixer("half", 32, generators([0]), **SMALL).trap)) == 0.5
    assert torch.sigmoid(torch.tensor(mixer("euler", 32, generators([0]), **SMALL).trap)) == 1
    for name, biased in (("mamba3", (True, True)), ("b_bias", (True, False)), ("c_bias", (False, True))):
        layer = mixer(name, 32, generators([0]), **SMALL)
        assert (layer.B_bias is not None, layer.C_bias is not None) == biased
    with pytest.raises(ValueError, match="lam"):
        Mamba3(32, generators([0]), head_dim=16, lam=0.0)


def test_a_tied_head_is_the_embedding():
    options = {"hidden": 8, "channel": "gelu", **SMALL}
    models = [sequence_model("mamba3", 11, 32, 1, generators([0, 1]), tied=tied, **options) for tied in (False, True)]
    untied, tied = (count_parameters(model) for model in models)
    assert untied - tied == 11 * 32
    x = torch.randn(2, 3, 4, 32)
    torch.testing.assert_close(models[1].head(x), x @ models[1].embedding.weight.mT[:, None])
    rows = sequence_model("gdn", 11, 32, 1, generators([0]), gdn_value_dim=32, **options).mixers[0]
    assert (rows.H, rows.V) == (2, 32)
