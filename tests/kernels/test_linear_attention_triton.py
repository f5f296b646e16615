"""The Triton kernels: under the interpreter against the recurrence, and compiled for a GPU that need not be there."""

import pytest
import torch

from kernels import packed
from kernels.linear_attention import fused, fused_recurrent, linear_attention, linear_attention_step
from tests.kernels.compiled import hold_limits

WITHOUT_PRODUCTS = ("carry_states", "step_kernel")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def draw(batch, heads, tokens, width, value, decay, state, rows=None, dtype=torch.float32):
    """Inputs as leaves, and gradients of the output and the final state."""
    source = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=source).to(DEVICE, dtype)

    rows = batch if rows is None else rows
    rates = {None: None, "head": -normal(heads).float().abs() / 4, "token": -normal(batch, tokens, heads).float().abs()}
    arguments = {
        "q": normal(batch, tokens, heads, width),
        "k": normal(batch, tokens, heads, width),
        "v": normal(batch, tokens, heads, value),
        "log_decay": rates[decay],
        "initial_state": normal(rows, heads, width, value).float() if state else None,
    }
    leaves = {name: None if x is None else x.requires_grad_() for name, x in arguments.items()}
    return leaves, normal(batch, tokens, heads, value), normal(rows, heads, width, value).float()


def outcome(leaves, d_out, d_final, backend, **options):
    """Output, final state and every gradient, by name, in float64; the recurrence gets float64 inputs."""
    leaves = {name: x if x is None else x.detach().clone().requires_grad_() for name, x in leaves.items()}
    if backend == "recurrent":
        leaves = {name: x if x is None else x.detach().double().requires_grad_() for name, x in leaves.items()}
    o, final = linear_attention(**leaves, output_final_state=True, backend=backend, **options)
    tensors = {name: x for name, x in leaves.items() if x is not None}
    loss = (o.double() * d_out.double()).sum() + (final.double() * d_final.double()).sum()
    gradients = torch.autograd.grad(loss, list(tensors.values()))
    results = {"o": o, "final": final, **dict(zip((f"d{name}" for name in tensors), gradients))}
    return {name: x.double() for name, x in results.items()}


def agree(results, expected, tolerance):
    for name, value in expected.items():
        gap, size = (results[name] - value).abs().max(), value.abs().max()
        assert gap <= tolerance * size, f"{name}: {gap:.2e} of {size:.2e}"


@pytest.mark.parametrize("decay", [None, "head", "token"])
@pytest.mark.parametrize("state", [False, True])
def test_one_segment(decay, state):
    case = draw(2, 2, 37, 20, 12, decay, state)
    expected = outcome(*case, "recurrent", scale=0.5)
    agree(outcome(*case, "triton", scale=0.5, chunk_size=16), expected, 2e-5)


@pytest.mark.parametrize("decay", ["head", "token"])
@pytest.mark.parametrize("tokens", [1, 16, 17, 70])
def test_several_segments(decay, tokens, monkeypatch):
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: 32)
    case = draw(1, 2, tokens, 16, 24, decay, True)
    agree(outcome(*case, "triton", chunk_size=16), outcome(*case, "recurrent"), 2e-5)


@pytest.mark.parametrize("decay", [None, "head", "token"])
@pytest.mark.parametrize("length", [16, 1024])
def test_packed_sequences(decay, length, monkeypatch):
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: length)
    bounds = [0, 5, 5, 40, 57]
    case = draw(1, 2, 57, 16, 16, decay, True, rows=4)
    options = {"cu_seqlens": torch.tensor(bounds), "chunk_size": 16}
    agree(outcome(*case, "triton", **options), outcome(*case, "recurrent", **options), 2e-5)


def test_heads_wider_than_one_pass(monkeypatch):
    monkeypatch.setattr(fused, "WIDEST", 16)
    case = draw(1, 1, 20, 40, 20, "token", True)
    agree(outcome(*case, "triton", chunk_size=16), outcome(*case, "recurrent"), 2e-5)


def test_wide_heads_are_cut_into_slices():
    case = draw(1, 1, 20, 80, 72, "head", False)
    agree(outcome(*case, "triton", chunk_size=16), outcome(*case, "recurrent"), 2e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 6e-3), (torch.bfloat16, 4e-2)])
def test_short_types(dtype, tolerance):
    case = draw(1, 2, 40, 16, 16, "token", True, dtype=dtype)
    agree(outcome(*case, "triton", chunk_size=16), outcome(*case, "recurrent"), tolerance)


def test_gradient_of_the_output_alone_and_of_the_state_alone():
    leaves, d_out, d_final = draw(1, 2, 20, 16, 16, "head", True)
    expected = outcome(leaves, d_out, 0 * d_final, "recurrent")
    o, _ = linear_attention(**leaves, chunk_size=16, backend="triton")
    (dq,) = torch.autograd.grad((o * d_out).sum(), leaves["q"])
    torch.testing.assert_close(dq.double(), expected["dq"], atol=1e-4, rtol=1e-4)
    _, final = linear_attention(**leaves, chunk_size=16, output_final_state=True, backend="triton")
    (dk,) = torch.autograd.grad((final * d_final).sum(), leaves["k"])
    torch.testing.assert_close(
        dk.double(), outcome(leaves, 0 * d_out, d_final, "recurrent")["dk"], atol=1e-4, rtol=1e-4
    )


def test_segments_fill_the_device():
    assert packed.segment_length(8192, programs=256, processors=132, block=64) == 4096
    assert packed.segment_length(131072, programs=32, processors=132, block=64) == 14592
    assert packed.segment_length(2048, programs=16, processors=132, block=64) == 256
    assert packed.segment_length(100, programs=1, processors=132, block=64) == 128
    cut = packed.cut_segments(1, 10, (0, 4, 4, 10), 4, "cpu")
    assert cut.begins.tolist() == [0, 4, 8]
    assert cut.ends.tolist() == [4, 8, 10]
    assert cut.owners.tolist() == [0, 2, 2]
    assert cut.first.tolist() == [1, 1, 0]
    assert cut.last.tolist() == [1, 0, 1]
    assert cut.bounds.tolist() == [0, 1, 1, 3]
    assert cut.several


@pytest.mark.parametrize(("tokens", "width", "value"), [(1, 4, 6), (21, 12, 40)])
def test_the_recurrence_as_one_kernel_is_the_definition(tokens, width, value):
    leaves, _, _ = draw(2, 3, tokens, width, value, "head", False)
    arguments = [leaves[name].detach() for name in ("q", "k", "v", "log_decay")]
    expected, _ = linear_attention(*arguments, backend="recurrent")
    torch.testing.assert_close(fused_recurrent.fused_recurrence(*arguments), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("decay", [None, "head", "token"])
def test_decoding_by_the_kernel_goes_on_where_a_prefill_ended(decay):
    leaves, _, _ = draw(2, 2, 9, 12, 40, decay, True)
    arguments = {name: x if x is None else x.detach() for name, x in leaves.items()}
    expected, end = linear_attention(**arguments, output_final_state=True, backend="recurrent")
    state, rates, outputs = arguments["initial_state"], arguments["log_decay"], []
    for t in range(9):
        q, k, v = (arguments[name][:, t] for name in ("q", "k", "v"))
        rate = rates[:, t] if decay == "token" else rates
        o, state = linear_attention_step(state, q, k, v, rate, backend="triton")
        outputs.append(o)
    torch.testing.assert_close(torch.stack(outputs, 1), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(state, end, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match=r"torch\.float64"):
        linear_attention_step(state.double(), q, k, v, rate, backend="triton")


def test_double_precision_is_refused():
    x = torch.ones(1, 1, 4, 4, dtype=torch.float64, device=DEVICE)
    with pytest.raises(ValueError, match=r"torch\.float64"):
        linear_attention(x, x, x, None, backend="triton")


def test_kernels_compile_for_tensor_cores():
    case = "bfloat16-128-128-head-forward"
    hold_limits("compile_linear_attention", case, spilled_bytes=0, without_products=WITHOUT_PRODUCTS)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("width", ["64-64", "128-128", "256-256", "24-40"])
def test_every_variant_compiles(dtype, width):
    spilled_bytes = 1280 if (dtype, width) == ("float32", "256-256") else 128
    cases = [f"{dtype}-{width}-{d}-{way}" for d in ("none", "head", "token") for way in ("forward", "backward")]
    hold_limits("compile_linear_attention", *cases, spilled_bytes=spilled_bytes, without_products=WITHOUT_PRODUCTS)
