"""Gated delta rule: a memory that decays, then overwrites what it held under the new key.

    S <- a_t S;   S <- S + k_t^T beta_t (v_t - k_t S);   o_t = scale q_t S

(Yang et al. 2025, "Gated Delta Networks").
"""

import torch
from torch import Tensor

from kernels import arguments
from kernels.gated_delta.chunked import chunked_gated_delta_rule
from kernels.gated_delta.decode import gated_delta_step
from kernels.gated_delta.recurrent import recurrent_gated_delta_rule
from kernels.packed import scan_each, sequence_bounds, sequence_count

__all__ = ["gated_delta_rule", "gated_delta_step"]

WIDEST = {torch.float32: 128, torch.bfloat16: 256, torch.float16: 256}  # heads of the Triton form
BACKENDS = ("auto", "recurrent", "chunked", "compiled", "triton")


def gated_delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    log_decay: Tensor,
    *,
    initial_state: Tensor | None = None,
    output_final_state: bool = False,
    scale: float = 1.0,
    chunk_size: int = 64,
    cu_seqlens: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Causal attention by the gated delta rule.

    Args:
        q, k: `[B,T,H,D]`; float64, float32, bfloat16 or float16; k is expected to have unit norm.
        v: `[B,T,H,E]`, of the same type.
        beta: strength of a write, `[B,T,H]`; (0,1), or (0,2) for negative eigenvalues; of the type of q or float32.
        log_decay: at most 0, `[B,T,H]`; of the type of q or float32.
        initial_state: memory `[B,H,D,E]`, or one row for each packed sequence.
        output_final_state: whether to return the memory after the last token.
        scale: factor of the output.
        chunk_size: tokens of a chunk.
        cu_seqlens: offsets `[N+1]` of N sequences packed into one row (B = 1); a sequence may be empty.
        backend: `recurrent` (the definition, token by token in float64), `chunked` (PyTorch), `compiled` (Numba, on a
            CPU), `triton` (D and E up to 256, in float32 128), or `auto`: Triton on CUDA (float64 and wider heads:
            `chunked`), `compiled` on a CPU.

    Returns:
        Output `[B,T,H,E]` in the type of v, and the final memory `[B or N,H,D,E]` in float32 (float64 for float64
        inputs), or None.

    Raises:
        ValueError: shapes, types or bounds that do not fit, a positive log decay (checked on the CPU only), or a
            backend that cannot run.
    """
    arguments.check_vectors(q, k, v)
    asked, backend = backend, arguments.choose_backend(backend, BACKENDS, q)
    if backend == "triton" and max(q.shape[3], v.shape[3]) > WIDEST[q.dtype]:
        if asked == "triton":
            most = WIDEST[q.dtype]
            raise ValueError(f"backend: got triton for heads of {q.shape[3]} and {v.shape[3]}, expected at most {most}")
        backend = "chunked"
    batch, tokens, heads, width = q.shape
    arguments.check_chunk_size(chunk_size)
    for name, value in (("beta", beta), ("log_decay", log_decay)):
        arguments.check_shape(name, value, (batch, tokens, heads))
    arguments.check_scalars(q, beta=beta, log_decay=log_decay)
    arguments.check_log_decay(log_decay)
    bounds = sequence_bounds(cu_seqlens, batch, tokens)
    shape = (sequence_count(bounds, batch), heads, width, v.shape[3])
    kind = arguments.state_type(q.dtype)
    if initial_state is not None:
        arguments.check_shape("initial_state", initial_state, shape)
    state = q.new_zeros(shape) if initial_state is None else initial_state
    if v.numel() == 0:  # nothing to add to the memory
        return v, state.to(kind, copy=True) if output_final_state else None
    log_decay = arguments.bounded_log_decay(log_decay, kind)
    if backend == "triton":
        from kernels.gated_delta.fused import fused_gated_delta_rule

        with torch.autocast(q.device.type, enabled=False):
            o, final = fused_gated_delta_rule(q, k, v, beta, log_decay, state, float(scale), bounds)
        return o, final if output_final_state else None
    if backend == "compiled":
        from kernels.gated_delta.compiled import compiled_gated_delta_rule

        with torch.autocast(q.device.type, enabled=False):
            o, final = compiled_gated_delta_rule(q, k, v, beta, log_decay, state, float(scale), bounds)
        return o, final if output_final_state else None
    inner = torch.float64 if backend == "recurrent" else kind
    inputs = [x.to(inner) for x in (q, k, v, beta, log_decay)]

    def scan(span: slice, state: Tensor) -> tuple[Tensor, Tensor]:
        part = inputs if bounds is None else [x[:, span] for x in inputs]
        if backend == "recurrent":
            return recurrent_gated_delta_rule(*part, state, scale)
        return chunked_gated_delta_rule(*part, state, scale, chunk_size)

    with torch.autocast(q.device.type, enabled=False):  # the forms choose their own precision
        state = state.to(inner)
        o, final = scan(slice(None), state) if bounds is None else scan_each(scan, bounds, state)
    return o.to(v.dtype), final.to(kind) if output_final_state else None
