"""Key-gated attention: every form against the recurrence, and the recurrence against gated linear attention."""

import pytest
import torch

from kernels.arguments import TRITON_TYPES
from kernels.gated_linear_attention import gated_linear_attention
from kernels.key_gated_attention import FORMS, fused, key_gated_attention, key_gated_attention_step
from tests.kernels.compiled import hold_limits
from tests.kernels.devices import DEVICE, here

BACKENDS = here("chunked", "compiled")
PACKED = [0, 33, 33, 34, 70]
NAMES = ("o", "final", "dq", "dk", "dv", "d_state")


def draw(B=2, T=37, H=4, G=2, D=4, E=6, strength=1.0, shift=0.0, rows=None, dtype=torch.float64):
    """q, k (strength * normal + shift), v and an initial state, and gradients of the output and of the final state."""
    source = torch.Generator().manual_seed(0)

    def normal(*size):
        return torch.randn(size, generator=source, dtype=torch.float64).to(DEVICE, dtype)

    state = (B if rows is None else rows, G, D, E)
    inputs = [normal(B, T, H, D), strength * normal(B, T, G, D) + shift, normal(B, T, G, E), normal(*state)]
    return inputs, normal(B, T, H, E), normal(*state)


def outcome(case, backend, **options):
    """Output, final state and all gradients of a form in float64; the recurrence gets float64 inputs."""
    kind = torch.float64 if backend == "recurrent" else case[0][0].dtype
    leaves = [value.to(kind, copy=True).requires_grad_() for value in case[0]]
    o, end = key_gated_attention(
        *leaves[:3], initial_state=leaves[3], output_final_state=True, scale=0.7, backend=backend, **options
    )
    loss = (o.double() * case[1].double()).sum() + (end.double() * case[2].double()).sum()
    return [value.detach().double() for value in (o, end, *torch.autograd.grad(loss, leaves))]


def agree(results, expected, tolerance):
    for name, result, value in zip(NAMES, results, expected):
        gap, size = (result - value).abs().max(), max(1.0, value.abs().max().item())
        assert gap <= tolerance * size, f"{name}: {gap:.2e} of {size:.2e}"


def unfused(q, k, v, state, form="gla", damping=16.0, scale=0.7):
    """The same in steps: maps, gates, everything repeated over the heads of a group, gated linear attention."""
    key, gate = torch.softmax(k, -1), torch.log(torch.sigmoid(k)) / damping
    if form == "hgrn2":
        key, gate = 1 - torch.sigmoid(k), torch.log(torch.sigmoid(k))
    heads = q.shape[2] // k.shape[2]
    repeated = (x.repeat_interleave(heads, 2) for x in (key, v, gate))
    start = state.repeat_interleave(heads, 1)
    return gated_linear_attention(
        torch.softmax(q, -1), *repeated, initial_state=start, output_final_state=True, scale=scale, backend="recurrent"
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_it_is_gated_linear_attention_of_the_maps(form, groups):
    inputs, d_out, d_end = draw(G=groups, strength=3.0)
    leaves = [value.clone().requires_grad_() for value in inputs]
    o, end = unfused(*leaves, form=form)
    assert torch.equal(end.unflatten(1, (groups, -1))[:, :, 0], end.unflatten(1, (groups, -1))[:, :, -1])
    end = end.unflatten(1, (groups, -1))[:, :, 0]  # the heads of a group have one memory
    gradients = torch.autograd.grad((o * d_out).sum() + (end * d_end).sum(), leaves)
    agree(outcome((inputs, d_out, d_end), "recurrent", form=form), [o, end, *gradients], 1e-12)


def test_a_key_of_zero_forgets_a_sixteenth_of_a_half_per_token():
    k = torch.zeros(1, 3, 1, 2, dtype=torch.float64, device=DEVICE)
    state = torch.ones(1, 1, 2, 1, dtype=torch.float64, device=DEVICE)
    for form, rate in (("gla", 0.5 ** (1 / 16)), ("hgrn2", 0.5)):
        _, end = key_gated_attention(
            k, k, torch.zeros_like(k[..., :1]), form=form, initial_state=state, output_final_state=True
        )
        torch.testing.assert_close(end, rate**3 * state)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("strength", "shift"), [(1e-3, 0.0), (1.0, 0.0), (30.0, -20.0), (300.0, -1000.0)])
@pytest.mark.parametrize(
    ("T", "H", "G", "D", "E"), [(1, 4, 2, 4, 6), (16, 3, 1, 5, 1), (37, 2, 2, 1, 3), (100, 6, 2, 7, 8)]
)
def test_every_form_is_the_recurrence(backend, form, strength, shift, T, H, G, D, E):
    case = draw(T=T, H=H, G=G, D=D, E=E, strength=strength, shift=shift)
    agree(outcome(case, backend, form=form, chunk_size=32), outcome(case, "recurrent", form=form), 1e-11)


@pytest.mark.parametrize("size", [1, 5, 16, 24, 200])
def test_any_block_length_serves(size):
    case = draw(T=50)
    agree(outcome(case, "chunked", chunk_size=size), outcome(case, "recurrent"), 1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_packed_sequences_are_separate_ones(backend):
    case, options = draw(B=1, T=70, rows=4), {"cu_seqlens": torch.tensor(PACKED)}
    expected = outcome(case, "recurrent", **options)
    agree(outcome(case, backend, **options), expected, 1e-11)
    q, k, v, state = case[0]
    alone, end = key_gated_attention(
        *(x[:, 34:] for x in (q, k, v)), initial_state=state[3:], output_final_state=True, scale=0.7
    )
    agree([alone, end], [expected[0][:, 34:], expected[1][3:]], 1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_finite_differences(backend, form):
    leaves = [value.clone().requires_grad_() for value in draw(B=1, T=5, H=2, G=1, D=2, E=3)[0]]

    def attend(*inputs):
        *vectors, start = inputs
        options = {"form": form, "chunk_size": 2, "scale": 0.7, "backend": backend}
        return key_gated_attention(*vectors, initial_state=start, output_final_state=True, **options)

    assert torch.autograd.gradcheck(attend, leaves)


@pytest.mark.parametrize("backend", BACKENDS)
def test_strided_inputs(backend):
    (q, k, v, state), d_out, d_end = draw()
    spread = [torch.stack((x, x), -1)[..., 0] for x in (q, k, v)]
    moved = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v)]
    expected = outcome(([q, k, v, state], d_out, d_end), "recurrent")
    for vectors in (spread, moved):
        o, end = key_gated_attention(
            *vectors, initial_state=state.mT.contiguous().mT, output_final_state=True, scale=0.7, backend=backend
        )
        agree([o, end], expected[:2], 1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", ["recurrent", "triton"])
def test_decoding_continues_a_sequence(form, backend):
    (q, k, v, state), _, _ = draw(T=9, dtype=torch.float32)
    expected, end = key_gated_attention(
        q, k, v, form=form, initial_state=state, output_final_state=True, scale=0.7, backend="recurrent"
    )
    for t in range(9):
        o, state = key_gated_attention_step(state, q[:, t], k[:, t], v[:, t], form=form, scale=0.7, backend=backend)
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


@pytest.mark.parametrize("backend", [*BACKENDS, "triton"])
@pytest.mark.parametrize("form", FORMS)
def test_a_strong_gate_leaves_the_weak_ones_after_it_exact(backend, form):
    (q, k, v, _), _, _ = draw(T=48, dtype=torch.float32, shift=6.0)
    k[:, 3:9] = -1600.0
    expected, _ = key_gated_attention(*(x.double() for x in (q, k, v)), form=form, backend="recurrent")
    o, _ = key_gated_attention(q, k, v, form=form, backend=backend)
    assert float((o - expected).abs().max() / expected.abs().max()) < 2e-6


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("strength", "shift"), [(1.0, 0.0), (30.0, -20.0), (3.0, -1600.0)])
def test_the_triton_form_in_one_segment(form, strength, shift):
    case = draw(T=20, H=2, G=1, D=20, E=12, strength=strength, shift=shift, dtype=torch.float32)
    agree(outcome(case, "triton", form=form), outcome(case, "recurrent", form=form), 2e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tokens", [1, 32, 49])
def test_the_triton_form_in_several_segments(form, tokens, monkeypatch):
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: 16)
    case = draw(B=1, T=tokens, H=2, G=1, D=16, E=40, dtype=torch.float32)
    agree(outcome(case, "triton", form=form), outcome(case, "recurrent", form=form), 2e-5)


@pytest.mark.parametrize("length", [16, 1024])
def test_the_triton_form_on_packed_sequences(length, monkeypatch):
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: length)
    case, options = draw(B=1, T=70, H=2, rows=4, dtype=torch.float32), {"cu_seqlens": torch.tensor(PACKED)}
    agree(outcome(case, "triton", **options), outcome(case, "recurrent", **options), 2e-5)


@pytest.mark.parametrize(("heads", "together"), [(1, 4), (3, 4), (4, 4), (4, 1), (7, 4), (3, 2)])
def test_the_triton_form_shares_a_group_between_programs(heads, together, monkeypatch):
    monkeypatch.setattr(fused, "HEADS", dict.fromkeys(TRITON_TYPES, together))
    monkeypatch.setattr(fused, "segment_length", lambda *sizes: 16)
    case = draw(B=1, T=18, H=2 * heads, dtype=torch.float32)
    agree(outcome(case, "triton"), outcome(case, "recurrent"), 2e-5)


def test_the_triton_form_cuts_wide_values(monkeypatch):
    monkeypatch.setattr(fused, "CUT", 16)
    case = draw(B=1, T=20, H=2, E=24, dtype=torch.float32)
    agree(outcome(case, "triton"), outcome(case, "recurrent"), 2e-5)


def test_heads_too_wide_for_triton_are_refused_by_name():
    (q, k, v, _), _, _ = draw(B=1, T=2, H=1, G=1, D=129, dtype=torch.float32)
    with pytest.raises(ValueError, match="got triton for a width of 129"):
        key_gated_attention(q, k, v, backend="triton")


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 6e-3), (torch.bfloat16, 4e-2)])
@pytest.mark.parametrize("backend", [*BACKENDS, "triton"])
@pytest.mark.parametrize("form", FORMS)
def test_short_types(dtype, tolerance, backend, form):
    case = draw(B=1, T=40, D=16, E=16, dtype=dtype)
    agree(outcome(case, backend, form=form), outcome(case, "recurrent", form=form), tolerance)


def test_bad_arguments_are_refused():
    (q, k, v, state), _, _ = draw()
    for change, message in (
        ((q, k[..., 1:], v), "k shape"),
        ((q, k[:, :, :1], v), "v shape"),
        ((q[:, :, :3], k, v), "k shape: got 2 groups, expected a divisor of the 3 heads"),
        ((q, k, v.float()), "v dtype"),
    ):
        with pytest.raises(ValueError, match=message):
            key_gated_attention(*change)
    for options, message in (
        ({"initial_state": state[:1]}, "initial_state shape"),
        ({"initial_state": state.repeat(1, 2, 1, 1)}, "initial_state shape"),
        ({"backend": "quadratic"}, "backend"),
        ({"form": "gsa"}, "form: got 'gsa'"),
        ({"damping": 0.0}, "damping: got 0.0"),
        ({"damping": float("inf")}, "damping: got inf"),
        ({"form": "hgrn2", "damping": 16.0}, "damping: got 16.0, expected None"),
    ):
        with pytest.raises(ValueError, match=message):
            key_gated_attention(q, k, v, **options)
    with pytest.raises(ValueError, match="k shape: got 2 groups"):
        key_gated_attention_step(state, q[:, 0, :3], k[:, 0], v[:, 0])
    with pytest.raises(ValueError, match="state shape"):
        key_gated_attention_step(state[:, :1], q[:, 0], k[:, 0], v[:, 0])


@pytest.mark.parametrize("backend", ["recurrent", *BACKENDS, "triton"])
@pytest.mark.parametrize("form", FORMS)
def test_a_channel_of_minus_infinity_is_forgotten_and_one_of_infinity_spoils_what_follows(backend, form):
    (q, k, v, _), d_out, _ = draw(T=9, dtype=torch.float32)
    results = []
    for value in (-1e9, -torch.inf, torch.inf, torch.nan):
        k[:, 5, :, 2] = value
        leaves = [x.clone().requires_grad_() for x in (q, k, v)]
        o, _ = key_gated_attention(*leaves, form=form, backend=backend)
        results.append((o.detach(), *torch.autograd.grad((o * d_out).sum(), leaves)))
    for large, infinite in zip(*results[:2]):
        torch.testing.assert_close(infinite, large, rtol=1e-5, atol=1e-6)
    if form == "gla":  # the complement of the decay of infinity is 0
        assert results[2][0][:, 5:].isnan().all()
    assert results[3][0][:, 5:].isnan().all()


@pytest.mark.skipif(DEVICE == "cpu", reason="flash-linear-attention runs on a GPU")
def test_it_agrees_with_flash_linear_attention():
    gla = pytest.importorskip("fla.ops.gla")
    (q, k, v, _), d_out, _ = draw(T=100, D=64, E=64, dtype=torch.bfloat16)
    leaves = [x.clone().requires_grad_() for x in (q, k, v)]
    gate = torch.nn.functional.logsigmoid(leaves[1].float()) / 16
    repeated = [x.repeat_interleave(2, 2) for x in (torch.softmax(leaves[1], -1), leaves[2], gate)]
    peer = gla.chunk_gla(torch.softmax(leaves[0], -1), *repeated, scale=1.0)[0]
    expected = [peer, *torch.autograd.grad((peer * d_out).sum(), leaves)]
    o, _ = key_gated_attention(*leaves)
    agree([o, *torch.autograd.grad((o * d_out).sum(), leaves)], expected, 4e-2)


WITHOUT_PRODUCTS = ("step_kernel",)


def test_kernels_compile_for_tensor_cores():
    case = "bfloat16-128-128-4-gla"
    hold_limits("compile_key_gated_attention", case, spilled_bytes=4, without_products=WITHOUT_PRODUCTS)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("width", ["64-64-4", "128-128-8", "24-40-1"])
@pytest.mark.parametrize("form", FORMS)
def test_every_variant_compiles(dtype, width, form):
    spilled = 400 if (dtype, width) == ("float32", "128-128-8") else 64  # three products for one
    case = f"{dtype}-{width}-{form}"
    hold_limits("compile_key_gated_attention", case, spilled_bytes=spilled, without_products=WITHOUT_PRODUCTS)
