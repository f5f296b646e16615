"""Linear attention with scalar decay: every form against the recurrence, outputs, states and gradients."""

import itertools

import pytest
import torch

from kernels.linear_attention import linear_attention, linear_attention_step

PACKED = ([0, 5, 5, 40, 57, 57], [0, 0, 16], [0, 33])


def draw(batch, heads, tokens, width, value, decay, state, rows=None, dtype=torch.float64, seed=0):
    """Inputs as leaves, and gradients of the output and the final state."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=source, dtype=torch.float64).to(dtype)

    rows = batch if rows is None else rows
    arguments = {
        "q": normal(batch, tokens, heads, width),
        "k": normal(batch, tokens, heads, width),
        "v": normal(batch, tokens, heads, value),
        "log_decay": {None: None, "head": -normal(heads).abs(), "token": -normal(batch, tokens, heads).abs()}[decay],
        "initial_state": normal(rows, heads, width, value) if state else None,
    }
    leaves = {name: None if x is None else x.requires_grad_() for name, x in arguments.items()}
    return leaves, normal(batch, tokens, heads, value), normal(rows, heads, width, value)


def outcome(leaves, d_out, d_final, **options):
    """Output, final state and every gradient, by name."""
    o, final = linear_attention(**leaves, output_final_state=True, **options)
    tensors = {name: x for name, x in leaves.items() if x is not None}
    loss = (o * d_out).sum() + (final * d_final.to(final.dtype)).sum()
    gradients = torch.autograd.grad(loss, list(tensors.values()))
    return {"o": o, "final": final, **dict(zip((f"d{name}" for name in tensors), gradients))}


def agree(results, expected, tolerance):
    for name, value in expected.items():
        gap = (results[name].double() - value.double()).abs().max() if value.numel() else 0.0
        size = max(1.0, float(value.detach().abs().max())) if value.numel() else 1.0
        assert gap <= tolerance * size, f"{name}: {gap:.2e} of {size:.2e}"


@pytest.mark.parametrize("decay", [None, "head", "token"])
@pytest.mark.parametrize("tokens", [1, 5, 16, 17, 100])
@pytest.mark.parametrize("state", [False, True])
def test_blocks_equal_the_recurrence(decay, tokens, state):
    case = draw(2, 3, tokens, 4, 6, decay, state)
    expected = outcome(*case, scale=0.5, backend="recurrent")
    for form in ("chunked", "compiled"):
        agree(outcome(*case, scale=0.5, chunk_size=16, backend=form), expected, 1e-12)


@pytest.mark.parametrize("decay", [None, "head", "token"])
@pytest.mark.parametrize("bounds", PACKED)
@pytest.mark.parametrize("state", [False, True])
def test_packed_sequences_equal_separate_ones(decay, bounds, state):
    (leaves, d_out, d_final) = draw(1, 3, bounds[-1], 4, 6, decay, state, rows=len(bounds) - 1)
    expected = outcome(leaves, d_out, d_final, cu_seqlens=torch.tensor(bounds), backend="recurrent")
    for form in ("compiled", "chunked"):
        results = outcome(leaves, d_out, d_final, chunk_size=8, cu_seqlens=torch.tensor(bounds), backend=form)
        agree(results, expected, 1e-12)
    for n, (start, stop) in enumerate(itertools.pairwise(bounds)):
        if start == stop:
            continue
        alone = {name: x if x is None else x[:, start:stop] for name, x in leaves.items() if name in "qkv"}
        log_decay = leaves["log_decay"]
        alone["log_decay"] = log_decay if decay != "token" else log_decay[:, start:stop]
        start_state = leaves["initial_state"]
        alone["initial_state"] = start_state if start_state is None else start_state[n : n + 1]
        o, final = linear_attention(**alone, output_final_state=True, chunk_size=8, backend="chunked")
        agree({"o": results["o"][:, start:stop], "final": results["final"][n : n + 1]}, {"o": o, "final": final}, 1e-12)


@pytest.mark.parametrize("width", [(1, 1), (1, 5), (3, 2)])
def test_one_row_and_narrow_heads(width):
    case = draw(1, 1, 37, *width, "head", True)
    agree(outcome(*case, chunk_size=16, backend="chunked"), outcome(*case, backend="recurrent"), 1e-12)


def test_long_rows_are_cut_into_slabs(monkeypatch):
    from kernels.linear_attention import chunked

    monkeypatch.setattr(chunked, "SLAB_ELEMENTS", 3 * 8 * 8)  # three blocks at a time
    for decay in ("head", "token"):
        case = draw(2, 2, 101, 4, 6, decay, True)
        agree(outcome(*case, chunk_size=8, backend="chunked"), outcome(*case, backend="recurrent"), 1e-12)


def test_no_decay_is_the_masked_product_and_instant_forgetting_is_the_token_itself():
    (leaves, _, _) = draw(2, 3, 40, 4, 6, None, False)
    q, k, v = (leaves[name].detach() for name in "qkv")
    o, _ = linear_attention(q, k, v, torch.zeros(3, dtype=torch.float64), chunk_size=16)
    expected = torch.einsum("bhtu,buhe->bthe", torch.einsum("bthd,buhd->bhtu", q, k).tril(), v)
    torch.testing.assert_close(o, expected, atol=1e-12, rtol=1e-12)
    o, final = linear_attention(
        q, k, v, torch.full((3,), -40.0, dtype=torch.float64), chunk_size=16, output_final_state=True
    )
    torch.testing.assert_close(o, (q * k).sum(-1, keepdim=True) * v, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(final, k[:, -1, :, :, None] * v[:, -1, :, None, :], atol=1e-12, rtol=1e-12)


def test_strong_decay_gives_finite_numbers_in_float32():
    (leaves, d_out, d_final) = draw(1, 2, 300, 8, 8, None, True, dtype=torch.float32)
    leaves["log_decay"] = torch.tensor([-1e-5, -80.0]).requires_grad_()
    results = outcome(leaves, d_out, d_final, backend="chunked")
    assert all(bool(torch.isfinite(x).all()) for x in results.values())


def test_pieces_in_a_row_equal_one_call():
    (leaves, _, _) = draw(2, 3, 70, 4, 6, "token", True)
    leaves = {name: x.detach() for name, x in leaves.items()}
    whole, final = linear_attention(**leaves, output_final_state=True, chunk_size=16)
    state, parts = leaves["initial_state"], []
    for start, stop in ((0, 13), (13, 48), (48, 70)):
        cut = {name: leaves[name][:, start:stop] for name in ("q", "k", "v", "log_decay")}
        o, state = linear_attention(**cut, initial_state=state, output_final_state=True, chunk_size=16)
        parts.append(o)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(state, final, atol=1e-12, rtol=1e-12)


def test_decoding_continues_a_prefill():
    (leaves, _, _) = draw(2, 3, 41, 4, 6, "token", False)
    q, k, v, decay = (leaves[name].detach() for name in ("q", "k", "v", "log_decay"))
    whole, final = linear_attention(q, k, v, decay, output_final_state=True)
    _, state = linear_attention(q[:, :20], k[:, :20], v[:, :20], decay[:, :20], output_final_state=True, chunk_size=16)
    for t in range(20, 41):
        o, state = linear_attention_step(state, q[:, t], k[:, t], v[:, t], decay[:, t])
        torch.testing.assert_close(o, whole[:, t], atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(state, final, atol=1e-12, rtol=1e-12)


def test_inputs_that_are_not_contiguous():
    (leaves, _, _) = draw(2, 3, 37, 4, 6, "token", False)
    plain = {name: leaves[name].detach() for name in ("q", "k", "v", "log_decay")}
    strided = {name: x.transpose(1, 2).contiguous().transpose(1, 2) for name, x in plain.items()}
    assert not strided["q"].is_contiguous()
    a, b = (linear_attention(**inputs, chunk_size=16)[0] for inputs in (plain, strided))
    torch.testing.assert_close(a, b, atol=0, rtol=0)


@pytest.mark.parametrize("form", ["chunked", "compiled"])
@pytest.mark.parametrize("decay", ["head", "token"])
def test_gradcheck(decay, form):
    (leaves, _, _) = draw(1, 2, 5, 2, 3, decay, True)
    leaves["log_decay"] = (leaves["log_decay"].detach() - 0.1).requires_grad_()  # away from the bound at 0

    def attend(*inputs):
        named = dict(zip(leaves, inputs))
        return linear_attention(**named, output_final_state=True, chunk_size=2, scale=0.7, backend=form)

    assert torch.autograd.gradcheck(attend, tuple(leaves.values()))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 2e-2), (torch.float16, 4e-3)])
def test_short_types_against_float64(dtype, tolerance):
    leaves, _, _ = draw(2, 2, 100, 16, 16, "head", False, dtype=dtype)
    leaves = {name: None if x is None else x.detach() for name, x in leaves.items()}
    wide = {name: None if x is None else x.double() for name, x in leaves.items()}
    o, final = linear_attention(**leaves, output_final_state=True, backend="chunked")
    expected, state = linear_attention(**wide, output_final_state=True, backend="recurrent")
    assert o.dtype == dtype
    assert final.dtype == torch.float32
    size = expected.abs().max()
    agree({"o": o / size, "final": final}, {"o": expected / size, "final": state}, tolerance)


def test_what_is_kept_for_the_backward_pass():
    (leaves, _, _) = draw(1, 2, 256, 8, 8, "head", True, dtype=torch.float32)
    storages = {}

    def note(tensor):
        storages[tensor.data_ptr()] = tensor.numel()
        return tensor

    leaves["log_decay"] = leaves["log_decay"].detach()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        linear_attention(**leaves, output_final_state=True, backend="chunked")
    assert sum(storages.values()) <= sum(leaves[name].numel() for name in "qkv") + 2 * 2 * 8 * 8 + 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"log_decay": torch.tensor([-1.0, 0.5])}, "log_decay: got a largest value of 0.5"),
        ({"log_decay": -torch.ones(3)}, "log_decay shape"),
        ({"log_decay": -torch.ones(2, dtype=torch.float16)}, "log_decay dtype: got torch.float16"),
        ({"k": torch.ones(1, 4, 2, 5)}, "k shape"),
        ({"v": torch.ones(1, 4, 2, 3, dtype=torch.float64)}, "v dtype"),
        ({"initial_state": torch.zeros(2, 2, 3, 3)}, "initial_state"),
    ],
)
def test_bad_inputs_are_refused(change, message):
    arguments = {**{name: torch.ones(1, 4, 2, 3) for name in "qkv"}, "log_decay": None}
    with pytest.raises(ValueError, match=message):
        linear_attention(**{**arguments, **change})


@pytest.mark.parametrize("tokens", [64, 700])
def test_the_number_of_threads_changes_no_digit_of_the_compiled_form(tokens):
    case = draw(2, 3, tokens, 32, 32, "token", True, dtype=torch.float32)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(outcome(*case, backend="compiled"))
    finally:
        torch.set_num_threads(threads)
    for name, value in results[0].items():
        assert value is None or torch.equal(value, results[1][name]), name


@pytest.mark.parametrize("form", ["chunked", "compiled"])
@pytest.mark.parametrize("strength", [1e3, 1e4, 1e6])
def test_a_strong_decay_leaves_the_weak_ones_after_it_exact(form, strength):
    """The differences of float32 running sums were off by 0.11 after a log decay of -1e6."""
    leaves = draw(1, 2, 48, 4, 4, "token", False, dtype=torch.float32)[0]
    leaves = {name: None if x is None else x.detach() for name, x in leaves.items()}
    leaves["log_decay"] = torch.full((1, 48, 2), -0.01)
    leaves["log_decay"][:, 3:9] = -strength
    wide = {name: None if x is None else x.double() for name, x in leaves.items()}
    expected, _ = linear_attention(**wide, backend="recurrent")
    o, _ = linear_attention(**leaves, backend=form, chunk_size=16)
    assert float((o - expected).abs().max() / expected.abs().max()) < 2e-6


def test_later_tokens_that_are_infinite_do_not_touch_earlier_outputs():
    leaves = draw(1, 2, 20, 4, 4, "token", False, dtype=torch.float32)[0]
    expected, _ = linear_attention(**leaves)
    for name in "qkv":
        spoiled = leaves | {name: leaves[name].detach().clone()}
        spoiled[name][:, 11:] = torch.inf
        torch.testing.assert_close(linear_attention(**spoiled)[0][:, :11], expected[:, :11], rtol=0, atol=0)
