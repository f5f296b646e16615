"""The recurrent half of a linearized attention layer: a gated memory that reads the layer's own queries and keys.

    S_t = diag(exp(g_t)) S_{t-1} + k~_t^T v_t,   o_t = q~_t S_t

with features q~, k~ of queries and keys without rotary positions, and a gate g from the key (Lan et al. 2025, Table 1).
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from kernels.arguments import check_sequences, check_shape, state_type
from kernels.gated_linear_attention import gated_linear_attention, gated_linear_attention_step
from kernels.key_gated_attention import key_gated_attention, key_gated_attention_step
from kernels.linear_attention import linear_attention, linear_attention_step

FORMS = ("gla", "hgrn2", "gsa", "none", "constant", "normalised")
GATED = ("gla", "hgrn2", "gsa")
FeatureMap = Callable[[Tensor], Tensor]


def recurrent_half(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    form: str = "gla",
    gate_logits: Tensor | None = None,
    slots: int | None = None,
    state: Tensor | None = None,
    want_state: bool = False,
    damping: float = 16.0,
    feature_map: tuple[FeatureMap, FeatureMap] | None = None,
    valid: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor | None]:
    """A memory with a decay for each key channel, in time linear in T; arithmetic is in float32 at least.

    The forms, with z the logits of the gate and tau the damping:

    - `gla`: g = log sigmoid(z) / tau.
    - `hgrn2`: g = log sigmoid(z), k~ = 1 - sigmoid(z).
    - `gsa`: m slots, z pooled to them, g = log sigmoid(z) / tau, s = 1 - exp(g); K_t = diag(exp(g)) K_{t-1} + s^T k_t,
      V_t likewise of the values, o = softmax(K_t q_t) V_t, with q and k as they are.
    - `none`: g = 0; `constant`: g = log(1/2) / tau, the decay of a zero key.
    - `normalised`: g = 0, and the output is divided by q~_t . sum_u k~_u.

    Args:
        q: queries without rotary positions, `[B, T, H, D]`.
        k, v: `[B, T, G, D]`; each of the G groups serves H / G consecutive heads.
        form: one of `FORMS`.
        gate_logits: z, `[B, T, G, D]` or `[B, T, H, D]`; the keys when None.
        slots: m of `gsa`, a divisor of D; D when None.
        state: from an earlier call; zero when None.
        want_state: whether to return the state after the last token.
        damping: tau.
        feature_map: of queries and of keys, each on `[B, T, H, D]`; the softmax over D when None.
        valid: `[B, T]`, False at padded tokens: they write nothing; None where there are none.
        backend: as of `kernels.gated_linear_attention`.

    Returns:
        Output `[B, T, H, D]` in float32 (float64 for float64 inputs), and the state `[B, H, W, E]` or None: W is the
        width of the features, E that of the values; `gsa` has m and 2 D, `normalised` one column more. The heads of a
        group share their state, `[B, G, D, D]`, where `gla` or `hgrn2` reads keys alone.

    Raises:
        ValueError: an unknown form, shapes that do not fit, or slots that do not divide the width.
    """
    check_recurrence(form, slots, q.shape[-1], damping)
    check_sequences("q", q)
    check_sequences("k", k)
    heads, width = q.shape[2:]
    if k.shape[:2] != q.shape[:2] or k.shape[3] != width or heads % k.shape[2]:
        raise ValueError(f"k shape: got {tuple(k.shape)}, expected groups of the heads of q, {tuple(q.shape)}")
    check_shape("v", v, (*k.shape[:3], v.shape[-1]))
    if gate_logits is not None:
        check_shape("gate_logits", gate_logits, tuple(k.shape), tuple(q.shape))
    kind = state_type(q.dtype)
    with torch.autocast(q.device.type, enabled=False):
        q, k, v = (x.to(kind) for x in (q, k, v))
        logits = k if gate_logits is None else gate_logits.to(kind)
        if form == "gsa":
            o, state = _slots(q, k, v, logits, slots or width, damping, state, want_state, valid, backend)
        else:
            o, state = _memory(q, k, v, logits, form, damping, feature_map, state, want_state, valid, backend)
    return o, state


def check_recurrence(form: str, slots: int | None, width: int, damping: float) -> None:
    """Expect a known form, slots that divide the width and belong to `gsa`, and a positive damping.

    Raises:
        ValueError: anything else.
    """
    if form not in FORMS:
        raise ValueError(f"form: got {form!r}, expected one of {', '.join(FORMS)}")
    if slots is not None and (form != "gsa" or slots < 1 or width % slots):
        raise ValueError(f"slots: got {slots} for the form {form}, expected a divisor of {width} for gsa")
    if not damping > 0:
        raise ValueError(f"damping: got {damping}, expected a positive number")


def repeat_groups(x: Tensor, heads: int) -> Tensor:
    """`[B, T, G, D]` with each group repeated for its H / G heads: `[B, T, H, D]`."""
    groups = x.shape[2]
    if groups == heads:
        return x
    return x[:, :, :, None].expand(-1, -1, -1, heads // groups, -1).flatten(2, 3)


def log_decays(logits: Tensor, form: str, damping: float) -> Tensor:
    """The g of the gated forms, elementwise: log sigmoid(z), divided by the damping except for `hgrn2`."""
    gate = functional.logsigmoid(logits)
    return gate if form == "hgrn2" else gate / damping


def _masked(x, valid):
    return x if valid is None else x.masked_fill(~valid[:, :, None, None], 0)


def _memory(q, k, v, logits, form, damping, feature_map, state, want_state, valid, backend):
    heads = q.shape[2]
    if form in ("gla", "hgrn2") and feature_map is None and logits is k:
        # one operator makes maps and gates of its own, and has one memory for the heads of a group
        v, options = _masked(v, valid), {"form": form, "damping": damping if form == "gla" else None}
        if state is not None and q.shape[1] == 1:
            o, state = key_gated_attention_step(state, q[:, 0], k[:, 0], v[:, 0], **options)
            return o[:, None], state
        options |= {"initial_state": state, "output_final_state": want_state, "backend": backend}
        return key_gated_attention(q, k, v, **options)
    of_query, of_key = feature_map or (_softmax, _softmax)
    if form == "hgrn2":
        keys = repeat_groups(torch.sigmoid(-logits), heads)
    else:
        keys = repeat_groups(_softmax(k), heads) if feature_map is None else of_key(repeat_groups(k, heads))
    queries, keys, values = of_query(q), _masked(keys, valid), repeat_groups(v, heads)
    if form == "normalised":
        values = functional.pad(values, (0, 1), value=1.0)  # its output is the normaliser
    if form in GATED:
        gate = repeat_groups(log_decays(logits, form, damping), heads)
        gate = gate.repeat(1, 1, 1, queries.shape[3] // gate.shape[3])  # features of twice the width share gates
        scan, step = gated_linear_attention, gated_linear_attention_step
    else:
        gate = None if form != "constant" else q.new_full((heads,), math.log(0.5) / damping)
        scan, step = linear_attention, linear_attention_step
    if state is not None and q.shape[1] == 1:
        now = None if gate is None else gate[:, 0] if gate.ndim == 4 else gate
        o, state = step(state, queries[:, 0], keys[:, 0], values[:, 0], now)
        o = o[:, None]
    else:
        options = {"initial_state": state, "output_final_state": want_state, "backend": backend}
        o, state = scan(queries, keys, values, gate, **options)
    if form == "normalised":
        o = o[..., :-1] / o[..., -1:].clamp_min(torch.finfo(o.dtype).tiny)
    return o, state


def _softmax(x):
    return torch.softmax(x, -1)


def _slots(q, k, v, logits, slots, damping, state, want_state, valid, backend):
    heads, width = q.shape[2:]
    gate = log_decays(logits.unflatten(-1, (slots, -1)).mean(-1), "gsa", damping)
    write = repeat_groups(_masked(-torch.expm1(gate), valid), heads)
    gate, k, v = (repeat_groups(x, heads) for x in (gate, k, v))
    if state is not None and q.shape[1] == 1:
        first, second = (x.contiguous() for x in state.split((width, v.shape[3]), -1))
        _, first = gated_linear_attention_step(first, write[:, 0], write[:, 0], k[:, 0], gate[:, 0])
        read = torch.softmax((first @ q[:, 0, :, :, None])[..., 0], -1)
        o, second = gated_linear_attention_step(second, read, write[:, 0], v[:, 0], gate[:, 0])
        return o[:, None], torch.cat((first, second), -1)
    if state is None:
        first, second = q.new_zeros(len(q), heads, slots, width), None
    else:
        first, second = (x.contiguous() for x in state.split((width, v.shape[3]), -1))
    scores, first = _SlotScores.apply(q, k, write, gate, first, backend)
    options = {"initial_state": second, "output_final_state": want_state, "backend": backend}
    o, second = gated_linear_attention(torch.softmax(scores, -1), write, v, gate, **options)
    return o, torch.cat((first, second), -1) if want_state else None


class _SlotScores(torch.autograd.Function):
    """Scores K_t q_t, `[B, T, H, m]`, of the slots' keys K_t = diag(exp(g_t)) K_{t-1} + s_t^T k_t.

    With GLA(x, s, k, g) the outputs x_t K_t, the scores are the gradient with respect to x of sum_t q_t . GLA(x)_t.
    That sum is linear in x and in q, so that the gradients of <d, scores> are those of the sum at x = d: one operator
    serves both directions.
    """

    @staticmethod
    def forward(ctx, q, k, write, gate, state, backend):
        inputs = k, write, gate, state
        ctx.save_for_backward(q, *inputs)
        ctx.backend = backend
        with torch.inference_mode(False), torch.enable_grad():
            x = torch.zeros(write.shape, dtype=write.dtype, device=write.device, requires_grad=True)
            target, k, write, gate, state = (y.clone() if y.is_inference() else y.detach() for y in (q, *inputs))
            options = {"initial_state": state, "output_final_state": True, "backend": backend}
            o, final = gated_linear_attention(x, write, k, gate, **options)
            (scores,) = torch.autograd.grad(o, x, target)
        return scores, final.detach()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, d_scores, d_final):
        q, *inputs = ctx.saved_tensors
        with torch.enable_grad():
            k, write, gate, state = (x.detach().requires_grad_() for x in inputs)
            o, final = gated_linear_attention(
                d_scores, write, k, gate, initial_state=state, output_final_state=True, backend=ctx.backend
            )
            gradients = torch.autograd.grad((o, final), (k, write, gate, state), (q, d_final))
        return o.detach(), *gradients, None
