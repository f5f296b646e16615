"""Causal linear attention with a scalar decay: o_t = scale * sum_{u <= t} exp(A_t - A_u) (q_t . k_u) v_u.

A is the running sum of the log decay. It is defined by the recurrence S_t = exp(a_t) S_{t-1} + k_t^T v_t,
o_t = scale * q_t S_t (Qin et al. 2024, Lightning Attention-2, algorithms 1 and 2).
"""

import torch
from torch import Tensor

from kernels import arguments
from kernels.linear_attention.decode import linear_attention_step
from kernels.packed import sequence_bounds, sequence_count

__all__ = ["linear_attention", "linear_attention_step"]

BACKENDS = ("auto", "recurrent", "chunked", "compiled", "triton")


def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor | None,
    *,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    scale: float = 1.0,
    chunk_size: int = 64,
    cu_seqlens: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Causal linear attention with a scalar decay, in time linear in T; all inputs get gradients.

    Args:
        q, k: `[B, T, H, D]`; float64, float32, bfloat16 or float16.
        v: `[B, T, H, E]`, of the same type.
        log_decay: None (no decay), `[H]`, or `[B, T, H]`; finite, at most 0, of the type of `q` or float32. The decay
            of token t multiplies the state before token t is added.
        initial_state: `[B, H, D, E]`, or `[N, H, D, E]` with `cu_seqlens`; zero when None.
        output_final_state: also return the state after the last token.
        scale: factor of the output; this operator has none of its own.
        chunk_size: tokens of a block.
        cu_seqlens: `[N + 1]` integers from 0 to T: N packed sequences in a batch of 1, each with its own state; a
            sequence may be empty.
        backend: `recurrent` (the definition, step by step in float64), `chunked` (PyTorch), `compiled` (step by step
            in Numba, on a CPU), `triton`, or `auto`: Triton on CUDA (float64: `chunked`), `compiled` on a CPU.

    Returns:
        Output `[B, T, H, E]` in the type of `v`, and the final state `[B or N, H, D, E]` in float32 (float64 for
        float64 inputs), or None.

    Raises:
        ValueError: shapes, types or bounds that do not fit, a positive log decay (checked on the CPU only: on CUDA the
            look would wait for the device), or a backend that cannot run.

    Source: Qin et al. 2024, algorithms 1 and 2; the state after a short last block carries its own length's decay.
    """
    arguments.check_vectors(q, k, v)
    backend = arguments.choose_backend(backend, BACKENDS, q)
    batch, tokens, heads, width = q.shape
    arguments.check_chunk_size(chunk_size)
    if log_decay is not None:
        arguments.check_shape("log_decay", log_decay, (heads,), (batch, tokens, heads))
        arguments.check_scalars(q, log_decay=log_decay)
        arguments.check_log_decay(log_decay)
        log_decay = arguments.bounded_log_decay(log_decay, arguments.state_type(q.dtype))
    bounds = sequence_bounds(cu_seqlens, batch, tokens)
    shape = (sequence_count(bounds, batch), heads, width, v.shape[3])
    kind = arguments.state_type(q.dtype)
    if initial_state is not None:
        arguments.check_shape("initial_state", initial_state, shape)
    if v.numel() == 0:  # nothing to add to the states
        final = q.new_zeros(shape, dtype=kind) if initial_state is None else initial_state.to(kind, copy=True)
        return v, final if output_final_state else None
    with torch.autocast(q.device.type, enabled=False):  # the forms choose their own precision
        if backend == "triton":
            from kernels.linear_attention.fused import fused_linear_attention

            return fused_linear_attention(
                q, k, v, log_decay, initial_state, output_final_state, float(scale), chunk_size, bounds
            )
        if backend == "recurrent":
            from kernels.linear_attention.recurrent import recurrent_linear_attention

            state = q.new_zeros(shape) if initial_state is None else initial_state
            o, final = recurrent_linear_attention(q, k, v, log_decay, state, scale, bounds)
            o, final = o.to(v.dtype), final.to(kind)
        elif backend == "compiled":
            from kernels.linear_attention.compiled import compiled_linear_attention

            o, final = compiled_linear_attention(q, k, v, log_decay, initial_state, float(scale), bounds)
        else:
            from kernels.linear_attention.chunked import chunked_linear_attention

            o, final = chunked_linear_attention(q, k, v, log_decay, initial_state, float(scale), chunk_size, bounds)
    return o, final if output_final_state else None
