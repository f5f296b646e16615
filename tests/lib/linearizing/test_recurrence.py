"""The recurrent half against token loops in float64, with gradients, and against values by hand."""

import math

import pytest
import torch

from lib.linearizing.features import LearnedMap
from lib.linearizing.recurrence import FORMS, recurrent_half

B, T, H, G, D = 2, 19, 4, 2, 6


def draw(seed: int = 0, tokens: int = T, scale: float = 2.0):
    """Queries, keys and values in float64; a scale of 2 gives decays from weak to strong."""
    source = torch.Generator().manual_seed(seed)
    shapes = ((B, tokens, H, D), (B, tokens, G, D), (B, tokens, G, D))
    return [scale * torch.randn(*shape, generator=source, dtype=torch.float64) for shape in shapes]


def loop(q, k, v, form, logits=None, slots=None, damping=16.0, maps=None, valid=None):
    """The definitions, head by head and token by token."""
    logits = k if logits is None else logits
    of_query, of_key = maps or (lambda x: torch.softmax(x, -1),) * 2
    queries = of_query(q)
    keys = of_key(k.repeat_interleave(H // G, 2))
    rows = []
    for b in range(len(q)):
        heads = []
        for h in range(H):
            g, z = h // (H // G), logits[b, :, h // (H // logits.shape[2])]
            memory, total, outputs = 0.0, 0.0, []
            keys_of_slots = 0.0
            for t in range(q.shape[1]):
                there = 1.0 if valid is None else float(valid[b, t])
                x, y, value = queries[b, t, h], keys[b, t, h] * there, v[b, t, g]
                if form == "gsa":
                    decay = torch.sigmoid(z[t].view(slots, -1).mean(1)) ** (1 / damping)
                    write = (1 - decay) * there
                    keys_of_slots = decay[:, None] * keys_of_slots + torch.outer(write, k[b, t, g])
                    memory = decay[:, None] * memory + torch.outer(write, value)
                    outputs.append(torch.softmax(keys_of_slots @ q[b, t, h], 0) @ memory)
                    continue
                decay = torch.ones(D, dtype=q.dtype)
                if form == "gla":
                    decay = torch.sigmoid(z[t]) ** (1 / damping)
                elif form == "hgrn2":
                    decay = torch.sigmoid(z[t])
                    y = (1 - decay) * there
                elif form == "constant":
                    decay = decay * 0.5 ** (1 / damping)
                memory = decay.repeat(len(y) // D)[:, None] * memory + torch.outer(y, value)
                total = total + y
                outputs.append(x @ memory / (x @ total if form == "normalised" else 1.0))
            heads.append(torch.stack(outputs))
        rows.append(torch.stack(heads, 1))
    return torch.stack(rows)


def agree(compute, reference, inputs):
    """Outputs and the gradients of a random weighting of them agree."""
    inputs = [x.requires_grad_() for x in inputs]
    ours, theirs = compute(*inputs), reference(*inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)
    weight = torch.randn(ours.shape, generator=torch.Generator().manual_seed(9), dtype=ours.dtype)
    pairs = zip(*(torch.autograd.grad((o * weight).sum(), inputs, allow_unused=True) for o in (ours, theirs)))
    for one, other in pairs:
        assert (one is None or not one.any()) if other is None else True
        if other is not None:
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("backend", ["auto", "chunked"])
def test_each_form_is_its_token_loop(form, backend):
    slots = 3 if form == "gsa" else None
    agree(
        lambda q, k, v: recurrent_half(q, k, v, form=form, slots=slots, damping=4.0, backend=backend)[0],
        lambda q, k, v: loop(q, k, v, form, slots=slots, damping=4.0),
        draw(),
    )


@pytest.mark.parametrize("form", ["gla", "hgrn2", "gsa"])
@pytest.mark.parametrize("groups", [G, H])
def test_gate_from_other_logits(form, groups):
    logits = torch.randn(B, T, groups, D, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    slots = D if form == "gsa" else None
    agree(
        lambda q, k, v, z: recurrent_half(q, k, v, form=form, gate_logits=z)[0],
        lambda q, k, v, z: loop(q, k, v, form, logits=z, slots=slots),
        [*draw(1), logits],
    )


@pytest.mark.parametrize("form", ["gla", "normalised"])
def test_learned_features_of_twice_the_width_share_their_gates(form):
    source = torch.Generator().manual_seed(0)
    maps = LearnedMap(H, D, source).double(), LearnedMap(H, D, source).double()
    inputs = draw(2)
    agree(
        lambda q, k, v, *_: recurrent_half(q, k, v, form=form, feature_map=maps)[0],
        lambda q, k, v, *_: loop(q, k, v, form, maps=maps),
        [*inputs, *(m.weight for m in maps)],
    )


def test_a_zero_key_keeps_a_sixteenth_root_of_a_half():
    q, k, v = draw(4, tokens=2)
    k = torch.zeros_like(k)
    first = recurrent_half(q[:, :1], k[:, :1], v[:, :1], want_state=True)[1]
    v[:, 1] = 0
    second = recurrent_half(q[:, 1:], k[:, 1:], v[:, 1:], state=first, want_state=True)[1]
    torch.testing.assert_close(second, 0.5 ** (1 / 16) * first)
    assert math.isclose(0.5 ** (1 / 16), 0.9576, abs_tol=5e-5)


def test_one_slot_is_a_moving_average_of_the_values():
    """With one slot the softmax over slots is 1: o_t = sum_u (1 - a_u) prod_(u < r <= t) a_r v_u."""
    q, k, v = draw(5)
    decay = torch.sigmoid(k.mean(-1)) ** (1 / 16)
    expected = torch.zeros_like(v)
    for t in range(T):
        for u in range(t + 1):
            expected[:, t] += ((1 - decay[:, u]) * decay[:, u + 1 : t + 1].prod(1))[..., None] * v[:, u]
    ours, _ = recurrent_half(q, k, v, form="gsa", slots=1)
    torch.testing.assert_close(ours, expected.repeat_interleave(H // G, 2))


@pytest.mark.parametrize("form", FORMS)
def test_pieces_and_single_tokens_continue_from_the_state(form):
    q, k, v = draw(6)
    whole, end = recurrent_half(q, k, v, form=form, want_state=True)
    o, state = recurrent_half(q[:, :7], k[:, :7], v[:, :7], form=form, want_state=True)
    parts = [o]
    o, state = recurrent_half(q[:, 7:12], k[:, 7:12], v[:, 7:12], form=form, state=state, want_state=True)
    parts.append(o)
    for t in range(12, T):
        q_t, k_t, v_t = (x[:, t : t + 1] for x in (q, k, v))
        o, state = recurrent_half(q_t, k_t, v_t, form=form, state=state, want_state=True)
        parts.append(o)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    torch.testing.assert_close(state, end)


@pytest.mark.parametrize("form", FORMS)
def test_padded_tokens_write_nothing(form):
    q, k, v = draw(7)
    valid = torch.ones(B, T, dtype=torch.bool)
    valid[1, :5] = False
    padded, _ = recurrent_half(q, k, v, form=form, valid=valid)
    alone, _ = recurrent_half(q[1:, 5:], k[1:, 5:], v[1:, 5:], form=form)
    torch.testing.assert_close(padded[1:, 5:], alone)
    slots = D if form == "gsa" else None
    expected = loop(q, k, v, form, slots=slots, valid=valid)
    torch.testing.assert_close(padded[1:, 5:], expected[1:, 5:])


@pytest.mark.parametrize("form", FORMS)
def test_float32_and_bfloat16(form):
    """Half precision is in the inputs alone: the memory is in float32."""
    inputs = draw(8)
    exact, _ = recurrent_half(*inputs, form=form)
    single, state = recurrent_half(*(x.float() for x in inputs), form=form, want_state=True)
    torch.testing.assert_close(single, exact.float(), rtol=1e-4, atol=1e-5)
    half = [x.bfloat16() for x in inputs]
    rounded, _ = recurrent_half(*half, form=form)
    assert rounded.dtype == state.dtype == torch.float32
    torch.testing.assert_close(rounded, recurrent_half(*(x.float() for x in half), form=form)[0])


@pytest.mark.parametrize("form", ["gla", "hgrn2", "gsa"])
def test_strong_gates_stay_finite(form):
    q, k, v = (x.float().requires_grad_() for x in draw(9, tokens=70, scale=60.0))
    o, _ = recurrent_half(q, k, v, form=form, backend="chunked")
    o.sum().backward()
    assert all(torch.isfinite(x).all() for x in (o, q.grad, k.grad, v.grad))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "rwkv"}, "form: got 'rwkv'"),
        ({"form": "gsa", "slots": 4}, "slots: got 4"),
        ({"slots": 3}, "slots: got 3 for the form gla"),
        ({"damping": 0.0}, "damping: got 0.0"),
        ({"gate_logits": torch.zeros(B, T, 3, D)}, "gate_logits shape"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        recurrent_half(*draw(), **options)


def test_groups_must_divide_heads():
    q, k, v = draw()
    with pytest.raises(ValueError, match="k shape"):
        recurrent_half(q[:, :, :3], k, v)
