"""Gated linear attention: every form against the recurrence, outputs, states and gradients, weak and strong decays."""

import pytest
import torch

from kernels.arguments import TRITON_TYPES
from kernels.gated_linear_attention import fused, gated_linear_attention, gated_linear_attention_step
from kernels.linear_attention import linear_attention
from tests.kernels.compiled import hold_limits
from tests.kernels.devices import DEVICE, here

FORMS = here("chunked", "compiled")
PACKED = [0, 33, 33, 34, 70]


def draw(B=2, T=37, H=2, D=4, E=6, strength=1.0, rows=None, dtype=torch.float64):
    """q, k, v, log decays and an initial state, and gradients of the output and of the final state."""
    source = torch.Generator().manual_seed(0)

    def normal(*size):
        return torch.randn(size, generator=source, dtype=torch.float64).to(DEVICE, dtype)

    state = (B if rows is None else rows, H, D, E)
    inputs = [normal(B, T, H, D), normal(B, T, H, D), normal(B, T, H, E), -strength * normal(B, T, H, D).abs()]
    return [*inputs, normal(*state)], normal(B, T, H, E), normal(*state)


def outcome(case, backend, **options):
    """Output, final state and all gradients of a form in float64; the recurrence gets float64 inputs."""
    kind = torch.float64 if backend == "recurrent" else case[0][0].dtype
    leaves = [value.to(kind, copy=True).requires_grad_() for value in case[0]]
    o, end = gated_linear_attention(
        *leaves[:4], initial_state=leaves[4], output_final_state=True, scale=0.7, backend=backend, **options
    )
    loss = (o.double() * case[1].double()).sum() + (end.double() * case[2].double()).sum()
    return [value.detach().double() for value in (o, end, *torch.autograd.grad(loss, leaves))]


def agree(results, expected, tolerance):
    for name, result, value in zip(("o", "final", "dq", "dk", "dv", "d_decay", "d_state"), results, expected):
        gap, size = (result - value).abs().max(), max(1.0, float(value.abs().max()))
        assert gap <= tolerance * size, f"{name}: {gap:.2e} of {size:.2e}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("strength", [1e-3, 1.0, 30.0, 1e3])
@pytest.mark.parametrize(("T", "D", "E"), [(1, 4, 6), (16, 5, 1), (37, 1, 3), (100, 7, 8)])
def test_every_form_is_the_recurrence(form, strength, T, D, E):
    case = draw(T=T, D=D, E=E, strength=strength)
    agree(outcome(case, form, chunk_size=32), outcome(case, "recurrent"), 1e-11)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 5, 16, 24, 200])
def test_any_block_length_serves(form, size):
    case = draw(T=50)
    agree(outcome(case, form, chunk_size=size), outcome(case, "recurrent"), 1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_packed_sequences_are_separate_ones(form):
    case = draw(B=1, T=70, rows=4)
    options = {"cu_seqlens": torch.tensor(PACKED)}
    expected = outcome(case, "recurrent", **options)
    agree(outcome(case, form, **options), expected, 1e-11)
    q, k, v, decay, state = case[0]
    alone, end = gated_linear_attention(
        *(x[:, 34:] for x in (q, k, v, decay)), initial_state=state[3:], output_final_state=True, scale=0.7
    )
    agree([alone, end], [expected[0][:, 34:], expected[1][3:]], 1e-11)


def test_equal_channels_are_a_scalar_decay():
    (q, k, v, decay, state), _, _ = draw()
    scalar = decay[..., 0]
    expected, end = linear_attention(q, k, v, scalar, initial_state=state, output_final_state=True, backend="recurrent")
    o, final = gated_linear_attention(
        q, k, v, scalar[..., None].expand_as(q), initial_state=state, output_final_state=True
    )
    agree([o, final], [expected, end], 1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_finite_differences(form):
    (q, k, v, decay, state), _, _ = draw(B=1, T=5, H=1, D=2, E=3)
    decay = decay - 0.1  # away from the bound at 0

    def attend(*inputs):
        *vectors, start = inputs
        return gated_linear_attention(
            *vectors, initial_state=start, output_final_state=True, chunk_size=2, scale=0.7, backend=form
        )

    leaves = [value.clone().requires_grad_() for value in (q, k, v, decay, state)]
    assert torch.autograd.gradcheck(attend, leaves)


@pytest.mark.parametrize("backend", ["recurrent", "triton"])
def test_decoding_continues_a_sequence(backend):
    (q, k, v, decay, state), _, _ = draw(T=9, dtype=torch.float32)
    expected, end = gated_linear_attention(
        q, k, v, decay, initial_state=state, output_final_state=True, scale=0.7, backend="recurrent"
    )
    for t in range(9):
        o, state = gated_linear_attention_step(
            state, q[:, t], k[:, t], v[:, t], decay[:, t], scale=0.7, backend=backend
        )
        torch.testing.assert_close(o, expected[:, t], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(state, end, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(DEVICE == "cuda", reason="compiled forms run on a CPU")
def test_the_number_of_threads_changes_no_digit():
    case, threads, results = draw(B=3, T=600, D=32, E=32), torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            results.append(outcome(case, "compiled"))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(first, second) for first, second in zip(*results))


@pytest.mark.parametrize("form", here("chunked", "compiled", "triton"))
def test_a_strong_decay_leaves_the_weak_ones_after_it_exact(form):
    (q, k, v, decay, _), _, _ = draw(T=48, dtype=torch.float32)
    decay = torch.full_like(decay, -0.01)
    decay[:, 3:9] = -1e6
    expected, _ = gated_linear_attention(*(x.double() for x in (q, k, v, decay)), backend="recurrent")
    o, _ = gated_linear_attention(q, k, v, decay, backend=form)
    assert float((o - expected).abs().max() / expected.abs().max()) < 2e-6


@pytest.mark.parametrize("strength", [1.0, 50.0])
def test_the_triton_form_in_one_segment(strength):
    case = draw(T=37, D=20, E=12, strength=strength, dtype=torch.float32)
    agree(outcome(case, "triton"), outcome(case, "recurrent"), 2e-5)


@pytest.mark.parametrize("tokens", [1, 32, 33, 70])
def test_the_triton_form_in_several_segments(tokens, monkeypatch):
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: 32)
    case = draw(B=1, T=tokens, D=16, E=40, dtype=torch.float32)
    agree(outcome(case, "triton"), outcome(case, "recurrent"), 2e-5)


@pytest.mark.parametrize("length", [16, 1024])
def test_the_triton_form_on_packed_sequences(length, monkeypatch):
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: length)
    case, options = draw(B=1, T=70, rows=4, dtype=torch.float32), {"cu_seqlens": torch.tensor(PACKED)}
    agree(outcome(case, "triton", **options), outcome(case, "recurrent", **options), 2e-5)


def test_the_triton_form_cuts_wide_heads(monkeypatch):
    monkeypatch.setattr(fused, "WIDEST", dict.fromkeys(TRITON_TYPES, 16))
    case = draw(B=1, T=20, D=20, E=24, dtype=torch.float32)
    agree(outcome(case, "triton"), outcome(case, "recurrent"), 2e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 6e-3), (torch.bfloat16, 4e-2)])
@pytest.mark.parametrize("form", here("chunked", "compiled", "triton"))
def test_short_types(dtype, tolerance, form):
    case = draw(B=1, T=40, D=16, E=16, dtype=dtype)
    agree(outcome(case, form), outcome(case, "recurrent"), tolerance)


def test_bad_arguments_are_refused():
    (q, k, v, decay, state), _, _ = draw()
    for change, message in (
        ((q, k, v, -decay), "log_decay: got a largest value"),
        ((q, k, v, decay[..., 0]), "log_decay shape"),
        ((q, k, v, decay.half()), "log_decay dtype"),
        ((q, k[..., 1:], v, decay), "k shape"),
    ):
        with pytest.raises(ValueError, match=message):
            gated_linear_attention(*change)
    with pytest.raises(ValueError, match="initial_state"):
        gated_linear_attention(q, k, v, decay, initial_state=state[:1])
    with pytest.raises(ValueError, match="backend"):
        gated_linear_attention(q, k, v, decay, backend="quadratic")
    with pytest.raises(ValueError, match="log_decay shape"):
        gated_linear_attention_step(state, q[:, 0], k[:, 0], v[:, 0], decay[:, 0, :, 0])


def test_kernels_compile_for_tensor_cores():
    case = "bfloat16-128-128-backward"
    hold_limits(
        "compile_gated_linear_attention", case, spilled_bytes=0, without_products=("carry_states", "step_kernel")
    )


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("width", ["64-64", "128-128", "24-40"])
def test_every_variant_compiles(dtype, width):
    cases = [f"{dtype}-{width}-{way}" for way in ("forward", "backward")]
    hold_limits(
        "compile_gated_linear_attention", *cases, spilled_bytes=64, without_products=("carry_states", "step_kernel")
    )
