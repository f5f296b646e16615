"""Gated linear attention: causal linear attention in which every key channel has a decay of its own.

    S_t = diag(exp(g_t)) S_{t-1} + k_t^T v_t,   o_t = scale q_t S_t

(Yang et al. 2024, "Gated Linear Attention Transformers with Hardware-Efficient Training").
"""

import torch
from torch import Tensor

from kernels import arguments
from kernels.gated_linear_attention.decode import gated_linear_attention_step
from kernels.packed import scan_each, sequence_bounds, sequence_count

__all__ = ["gated_linear_attention", "gated_linear_attention_step"]

BACKENDS = ("auto", "recurrent", "chunked", "compiled", "triton")


def gated_linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    *,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    scale: float = 1.0,
    chunk_size: int = 64,
    cu_seqlens: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Causal linear attention with a decay for each key channel, in time linear in T; all inputs get gradients.

    Args:
        q, k: `[B, T, H, D]`; float64, float32, bfloat16 or float16.
        v: `[B, T, H, E]`, of the same type.
        log_decay: `[B, T, H, D]`; finite, at most 0, of the type of `q` or float32. It multiplies the state before
            token t is added.
        initial_state: `[B, H, D, E]`, or `[N, H, D, E]` with `cu_seqlens`; zero when None.
        output_final_state: also return the state after the last token.
        scale: factor of the output; this operator has none of its own.
        chunk_size: tokens of a block of the chunked form; the Triton form has blocks of its own.
        cu_seqlens: `[N + 1]` integers from 0 to T: N packed sequences in a batch of 1, each with its own state; a
            sequence may be empty.
        backend: `recurrent` (the definition, step by step in float64), `chunked` (PyTorch), `compiled` (step by step
            in Numba, on a CPU), `triton`, or `auto`: Triton on CUDA (float64: `chunked`), `compiled` on a CPU.

    Returns:
        Output `[B, T, H, E]` in the type of `v`, and the final state `[B or N, H, D, E]` in float32 (float64 for
        float64 inputs), or None.

    Raises:
        ValueError: shapes, types or bounds that do not fit, a positive log decay (checked on the CPU only), or a
            backend that cannot run.

    Source: Yang et al. 2024, the recurrence and the block form in two levels.
    """
    arguments.check_vectors(q, k, v)
    backend = arguments.choose_backend(backend, BACKENDS, q)
    batch, tokens, heads, width = q.shape
    arguments.check_chunk_size(chunk_size)
    arguments.check_shape("log_decay", log_decay, tuple(q.shape))
    arguments.check_scalars(q, log_decay=log_decay)
    arguments.check_log_decay(log_decay)
    kind = arguments.state_type(q.dtype)
    bounds = sequence_bounds(cu_seqlens, batch, tokens)
    shape = (sequence_count(bounds, batch), heads, width, v.shape[3])
    if initial_state is not None:
        arguments.check_shape("initial_state", initial_state, shape)
    state = q.new_zeros(shape, dtype=kind) if initial_state is None else initial_state
    if v.numel() == 0:  # nothing to add to the states
        return v, state.to(kind, copy=True) if output_final_state else None
    log_decay = arguments.bounded_log_decay(log_decay, kind)
    with torch.autocast(q.device.type, enabled=False):  # the forms choose their own precision
        if backend == "triton":
            from kernels.gated_linear_attention.fused import fused_gated_linear_attention

            o, final = fused_gated_linear_attention(q, k, v, log_decay, state, float(scale), bounds)
        elif backend == "compiled":
            from kernels.gated_linear_attention.compiled import compiled_gated_linear_attention

            o, final = compiled_gated_linear_attention(q, k, v, log_decay, state, float(scale), bounds)
        else:
            o, final = _scan(q, k, v, log_decay, state, scale, chunk_size, bounds, backend)
    return o, final if output_final_state else None


def _scan(q, k, v, log_decay, state, scale, chunk_size, bounds, backend):
    from kernels.gated_linear_attention.chunked import chunked_gated_linear_attention
    from kernels.gated_linear_attention.recurrent import recurrent_gated_linear_attention

    kind = arguments.state_type(q.dtype)
    inner = torch.float64 if backend == "recurrent" else kind
    inputs = [x.to(inner) for x in (q, k, v, log_decay)]

    def scan(span: slice, state: Tensor) -> tuple[Tensor, Tensor]:
        part = inputs if bounds is None else [x[:, span] for x in inputs]
        if backend == "recurrent":
            return recurrent_gated_linear_attention(*part, state, scale)
        return chunked_gated_linear_attention(*part, state, scale, chunk_size)

    state = state.to(inner)
    o, final = scan(slice(None), state) if bounds is None else scan_each(scan, bounds, state)
    return o.to(v.dtype), final.to(kind)
