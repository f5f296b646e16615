"""Linear attention token by token as one Triton kernel, forward only: what the block form is compared with on a GPU."""

import torch
import triton
import triton.language as tl

SLICE = 32  # columns of the state for each program


@triton.jit
def recurrence_kernel(
    q, k, v, decay, out, tokens, heads, D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BE: tl.constexpr
):
    """Grid: (batch * heads, ceil(E / BE)); the state stays in registers. Tensors are `[B, T, H, D]`."""
    pid = tl.program_id(0).to(tl.int64)
    row, head = pid // heads, pid % heads
    d, e = tl.arange(0, BD), tl.program_id(1) * BE + tl.arange(0, BE)
    factor = tl.exp(tl.load(decay + head).to(tl.float32))
    state = tl.zeros([BD, BE], dtype=tl.float32)
    for t in range(0, tokens):
        place = (row * tokens + t) * heads + head
        key = tl.load(k + place * D + d, mask=d < D, other=0.0).to(tl.float32)
        query = tl.load(q + place * D + d, mask=d < D, other=0.0).to(tl.float32)
        value = tl.load(v + place * E + e, mask=e < E, other=0.0).to(tl.float32)
        state = factor * state + key[:, None] * value[None, :]
        tl.store(out + place * E + e, tl.sum(query[:, None] * state, 0).to(out.dtype.element_ty), mask=e < E)


def fused_recurrence(q, k, v, log_decay) -> torch.Tensor:
    """Output `[B, T, H, E]` of the recurrence from a state of zeros, without gradients.

    Args:
        q, k: `[B, T, H, D]`.
        v: `[B, T, H, E]`.
        log_decay: `[H]`.
    """
    batch, tokens, heads, width = q.shape
    q, k, v = (x.contiguous() for x in (q, k, v))
    out = torch.empty_like(v)
    with torch.cuda.device_of(q):
        recurrence_kernel[(batch * heads, triton.cdiv(v.shape[3], SLICE))](
            q, k, v, log_decay.contiguous(), out, tokens, heads, width, v.shape[3],
            BD=triton.next_power_of_2(width), BE=SLICE,
        )  # fmt: skip
    return out
