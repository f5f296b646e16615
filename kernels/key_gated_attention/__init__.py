"""Gated linear attention whose gates and keys are both read from one key: the recurrent half of Liger attention.

    S_t = diag(exp(g_t)) S_{t-1} + key(k_t)^T v_t,   o_t = scale softmax(q_t) S_t

with softmax over the channels of a head and, by `form`,

    gla      key(k) = softmax(k),       g = log(sigmoid(k)) / damping
    hgrn2    key(k) = 1 - sigmoid(k),   g = log(sigmoid(k))

q, k and v come as they leave their projections: no form keeps a gate or a feature for the caller, and the Triton form
writes none to memory. Query heads that share a group of keys and values share its memory, too, so there is one state a
group, and no key, value or gate is repeated (Lan et al. 2025, "Liger: Linearizing Large Language Models to Gated
Recurrent Structures").
"""

import torch
from torch import Tensor

from kernels import arguments
from kernels.key_gated_attention.decode import key_gated_attention_step
from kernels.key_gated_attention.maps import FORMS, check_groups, damping_of
from kernels.packed import scan_each, sequence_bounds, sequence_count

__all__ = ["FORMS", "key_gated_attention", "key_gated_attention_step"]

BACKENDS = ("auto", "recurrent", "chunked", "compiled", "triton")
WIDEST = 128  # of a head in Triton, whose softmax takes whole rows


def key_gated_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    form: str = "gla",
    damping: float | None = None,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    scale: float = 1.0,
    chunk_size: int = 64,
    cu_seqlens: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Gated linear attention with its gates and feature maps computed inside, in time linear in T.

    All inputs get gradients; that of k is the sum of its two roles, key and gate, over the query heads of its group.

    Args:
        q: `[B, T, H, D]`; float64, float32, bfloat16 or float16.
        k: `[B, T, G, D]`, of the same type; G divides H, and query head h reads group h // (H / G). A channel of minus
            infinity is forgotten and not written, one of infinity makes what follows NaN, as softmax does.
        v: `[B, T, G, E]`, of the same type.
        form: `gla` or `hgrn2`, the maps of the key.
        damping: divides the log decay of `gla`; 16 when None. `hgrn2` has none.
        initial_state: `[B, G, D, E]`, or `[N, G, D, E]` with `cu_seqlens`; zero when None.
        output_final_state: also return the state after the last token.
        scale: factor of the output; this operator has none of its own.
        chunk_size: tokens of a block of the chunked form; the Triton form has blocks of its own.
        cu_seqlens: `[N + 1]` integers from 0 to T: N packed sequences in a batch of 1, each with its own state; a
            sequence may be empty.
        backend: `recurrent` (the definition, step by step in float64), `chunked` (PyTorch), `compiled` (step by step
            in Numba on a CPU, after maps in PyTorch), `triton` (D of at most 128), or `auto`: Triton on CUDA (float64
            and wider heads: `chunked`), `compiled` on a CPU.

    Returns:
        Output `[B, T, H, E]` in the type of `v`, and the final state `[B or N, G, D, E]` in float32 (float64 for
        float64 inputs), or None.

    Raises:
        ValueError: shapes, types or bounds that do not fit, a damping that is not positive or not the form's, or a
            backend that cannot run.

    Source: Lan et al. 2025, section 3, with the damping of the authors' code; the recurrence of Yang et al. 2024.
    """
    check_groups(q, k, v)
    backend = _choose_backend(backend, q)
    damping = damping_of(form, damping)
    batch, tokens, heads, width = q.shape
    arguments.check_chunk_size(chunk_size)
    kind = arguments.state_type(q.dtype)
    bounds = sequence_bounds(cu_seqlens, batch, tokens)
    shape = (sequence_count(bounds, batch), k.shape[2], width, v.shape[3])
    if initial_state is not None:
        arguments.check_shape("initial_state", initial_state, shape)
    state = q.new_zeros(shape, dtype=kind) if initial_state is None else initial_state
    if v.numel() == 0:  # nothing to add to the states
        return q.new_empty(batch, tokens, heads, v.shape[3]), state.to(kind, copy=True) if output_final_state else None
    with torch.autocast(q.device.type, enabled=False):  # the forms choose their own precision
        if backend == "triton":
            from kernels.key_gated_attention.fused import fused_key_gated_attention

            o, final = fused_key_gated_attention(q, k, v, state, form, damping, float(scale), bounds)
        elif backend == "compiled":
            from kernels.key_gated_attention.compiled import compiled_key_gated_attention

            o, final = compiled_key_gated_attention(q, k, v, state, form, damping, float(scale), bounds)
        else:
            o, final = _scan(q, k, v, state, form, damping, scale, chunk_size, bounds, backend)
    return o, final if output_final_state else None


def _choose_backend(backend: str, q: Tensor) -> str:
    """As `arguments.choose_backend`; heads whose rows are too wide for the Triton form take the block form."""
    chosen = arguments.choose_backend(backend, BACKENDS, q)
    if chosen == "triton" and q.shape[3] > WIDEST:
        if backend == "triton":
            raise ValueError(f"backend: got triton for a width of {q.shape[3]}, expected at most {WIDEST}")
        return "chunked"
    return chosen


def _scan(q, k, v, state, form, damping, scale, chunk_size, bounds, backend):
    from kernels.key_gated_attention.chunked import chunked_key_gated_attention
    from kernels.key_gated_attention.recurrent import recurrent_key_gated_attention

    kind = arguments.state_type(q.dtype)
    inner = torch.float64 if backend == "recurrent" else kind
    inputs = [x.to(inner) for x in (q, k, v)]

    def scan(span: slice, state: Tensor) -> tuple[Tensor, Tensor]:
        part = inputs if bounds is None else [x[:, span] for x in inputs]
        if backend == "recurrent":
            return recurrent_key_gated_attention(*part, state, form, damping, scale)
        return chunked_key_gated_attention(*part, state, form, damping, scale, chunk_size)

    state = state.to(inner)
    o, final = scan(slice(None), state) if bounds is None else scan_each(scan, bounds, state)
    return o.to(v.dtype), final.to(kind)
