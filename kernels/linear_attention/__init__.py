"""Causal linear attention with a scalar decay: o_t = scale * sum_{u <= t} exp(A_t - A_u) (q_t . k_u) v_u.

A is the running sum of the log decay. The recurrence that defines it, S_t = exp(a_t) S_{t-1} + k_t^T v_t and
o_t = scale * q_t S_t, stands in `reference`; `chunked` is the block form in PyTorch, `fused` the same in Triton
(Qin et al. 2024, Lightning Attention-2, algorithms 1 and 2).
"""

import itertools

import torch

from kernels.linear_attention.reference import recurrent_linear_attention, recurrent_step

__all__ = ["chunk_linear_attention", "linear_attention_step", "recurrent_linear_attention"]

BACKENDS = ("auto", "recurrent", "torch", "triton")
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def sequence_bounds(cu_seqlens, tokens: int) -> list[int]:
    """Bounds of packed sequences as integers.

    Raises:
        ValueError: they do not start at 0, do not end at `tokens`, or fall.
    """
    bounds = torch.as_tensor(cu_seqlens).tolist()
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != tokens or any(b < a for a, b in itertools.pairwise(bounds)):
        raise ValueError(f"cu_seqlens: got {bounds}, expected bounds that rise from 0 to the {tokens} tokens")
    return bounds


def _check(q, k, v, log_decay, initial_state, chunk_size, cu_seqlens, backend) -> None:
    if backend not in BACKENDS:
        raise ValueError(f"backend: got {backend!r}, expected one of {', '.join(BACKENDS)}")
    if q.ndim != 4 or q.shape != k.shape or v.ndim != 4 or v.shape[:3] != q.shape[:3]:
        shapes = ", ".join(str(tuple(x.shape)) for x in (q, k, v))
        raise ValueError(f"q, k, v: got shapes {shapes}, expected (B, H, T, D), (B, H, T, D), (B, H, T, E)")
    if q.dtype not in DTYPES or k.dtype != q.dtype or v.dtype != q.dtype:
        raise ValueError(f"q, k, v: got {q.dtype}, {k.dtype}, {v.dtype}, expected one floating-point type for all")
    batch, heads, tokens, width = q.shape
    if tokens == 0 and cu_seqlens is None:
        raise ValueError("q: got no tokens, expected at least one")
    if cu_seqlens is not None and batch != 1:
        raise ValueError(f"q: got batch {batch} with cu_seqlens, expected packed sequences in a batch of 1")
    if not isinstance(chunk_size, int) or chunk_size < 1:
        raise ValueError(f"chunk_size: got {chunk_size!r}, expected a positive integer")
    if log_decay is not None:
        if log_decay.shape not in ((heads,), (batch, heads, tokens)):
            shape = tuple(log_decay.shape)
            raise ValueError(f"log_decay: got shape {shape}, expected {(heads,)} or {(batch, heads, tokens)}")
        if log_decay.dtype not in (q.dtype, torch.float32):
            raise ValueError(f"log_decay: got {log_decay.dtype}, expected {q.dtype} or torch.float32")
        if log_decay.device.type == "cpu" and bool((log_decay > 0).any()):
            raise ValueError(f"log_decay: got {float(log_decay.detach().max())}, expected values of at most 0")
    if initial_state is not None:
        rows = batch if cu_seqlens is None else len(cu_seqlens) - 1
        expected = (rows, heads, width, v.shape[3])
        if initial_state.shape != expected:
            raise ValueError(f"initial_state: got shape {tuple(initial_state.shape)}, expected {expected}")


def linear_attention_step(
    state: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    log_decay: torch.Tensor | None,
    *,
    backend: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor]:
    """One token: S <- exp(log_decay) S + k^T v, o = q S.

    Args:
        state: `(B, H, D, E)`.
        q, k: `(B, H, D)`; v: `(B, H, E)`.
        log_decay: None, `(H,)` or `(B, H)`.
        backend: `recurrent` or `torch` (the same plain step), `triton` (one kernel, no gradients), or `auto`: Triton on
            CUDA where no gradient is asked for and the state is not float64.

    Returns:
        `(o, state)`: `(B, H, E)` of the type of `v`, and the new state of the type of `state`.

    Raises:
        ValueError: shapes that do not fit, or an unknown backend.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend: got {backend!r}, expected one of {', '.join(BACKENDS)}")
    if state.shape != (*q.shape, v.shape[-1]) or k.shape != q.shape or v.shape[:-1] != q.shape[:-1]:
        shapes = ", ".join(str(tuple(x.shape)) for x in (state, q, k, v))
        raise ValueError(f"state, q, k, v: got shapes {shapes}, expected (B, H, D, E), (B, H, D), (B, H, D), (B, H, E)")
    if log_decay is not None and log_decay.shape not in (q.shape[1:2], q.shape[:2]):
        shape = tuple(log_decay.shape)
        raise ValueError(f"log_decay: got shape {shape}, expected {tuple(q.shape[1:2])} or {tuple(q.shape[:2])}")
    if backend == "auto":
        given = [x for x in (state, q, k, v, log_decay) if x is not None]
        learning = torch.is_grad_enabled() and any(x.requires_grad for x in given)
        backend = "triton" if q.is_cuda and not learning and state.dtype != torch.float64 else "recurrent"
    if backend == "triton":
        from kernels.linear_attention.decode import step_fused as form
    else:
        form = recurrent_step
    return form(state, q, k, v, log_decay)


def chunk_linear_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    log_decay: torch.Tensor | None,
    *,
    initial_state: torch.Tensor | None = None,
    output_final_state: bool = False,
    scale: float = 1.0,
    chunk_size: int = 64,
    cu_seqlens: torch.Tensor | None = None,
    backend: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Causal linear attention with a scalar decay, in time linear in T; all inputs get gradients.

    Args:
        q, k: `(B, H, T, D)`; float64, float32, bfloat16 or float16.
        v: `(B, H, T, E)`, of the same type.
        log_decay: None (no decay), `(H,)`, or `(B, H, T)`; finite, at most 0, of the type of `q` or float32. The decay
            of token t multiplies the state before token t is added.
        initial_state: `(B, H, D, E)`, or `(N, H, D, E)` with `cu_seqlens`; zero when None.
        output_final_state: also return the state after the last token.
        scale: factor of the output; this operator has none of its own.
        chunk_size: tokens of a block.
        cu_seqlens: `(N + 1,)` integers from 0 to T: N packed sequences in a batch of 1, each with its own state; a
            sequence may be empty.
        backend: `recurrent` (the definition, step by step in float64), `torch`, `triton`, or `auto`: Triton on CUDA
            (float64: PyTorch), PyTorch elsewhere.

    Returns:
        `o: (B, H, T, E)` of the type of `v`, and the final state `(B or N, H, D, E)` in float32 (float64 for float64
        inputs), or None.

    Raises:
        ValueError: shapes, types or bounds that do not fit, or a positive log decay (looked for on CPU only: on CUDA
            the look would wait for the device).

    Source: Qin et al. 2024, algorithms 1 and 2; the state after a short last block carries its own length's decay.
    """
    _check(q, k, v, log_decay, initial_state, chunk_size, cu_seqlens, backend)
    bounds = None if cu_seqlens is None else sequence_bounds(cu_seqlens, q.shape[2])
    if backend == "auto":
        backend = "triton" if q.is_cuda and q.dtype != torch.float64 else "torch"
    if backend == "recurrent":
        return recurrent_linear_attention(
            q, k, v, log_decay, initial_state=initial_state, output_final_state=output_final_state, scale=scale,
            cu_seqlens=cu_seqlens,
        )  # fmt: skip
    if backend == "triton":
        from kernels.linear_attention.fused import fused_linear_attention as form
    else:
        from kernels.linear_attention.chunked import chunked_linear_attention as form
    return form(q, k, v, log_decay, initial_state, output_final_state, float(scale), chunk_size, bounds)
