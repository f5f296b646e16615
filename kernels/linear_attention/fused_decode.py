"""One token of linear attention as one Triton kernel: the state is read and written once."""

import torch
import triton
import triton.language as tl

from kernels.linear_attention.fused_kernels import HEAD_DECAY, NO_DECAY, TOKEN_DECAY

SLICE = 32  # columns of the state for each program


@triton.jit
def step_kernel(
    state, q, k, v, decay, out, new,
    heads, D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BE: tl.constexpr, MODE: tl.constexpr,
):  # fmt: skip
    """Grid: (batch * heads, ceil(E / BE))."""
    pid = tl.program_id(0).to(tl.int64)
    d, e = tl.arange(0, BD), tl.program_id(1) * BE + tl.arange(0, BE)
    where = pid * D * E + d[:, None] * E + e[None, :]
    there = (d < D)[:, None] & (e < E)[None, :]
    value = tl.load(state + where, mask=there, other=0.0).to(tl.float32)
    if MODE == HEAD_DECAY:
        value *= tl.exp(tl.load(decay + pid % heads).to(tl.float32))
    elif MODE == TOKEN_DECAY:
        value *= tl.exp(tl.load(decay + pid).to(tl.float32))
    key = tl.load(k + pid * D + d, mask=d < D, other=0.0).to(tl.float32)
    query = tl.load(q + pid * D + d, mask=d < D, other=0.0).to(tl.float32)
    value += key[:, None] * tl.load(v + pid * E + e, mask=e < E, other=0.0).to(tl.float32)[None, :]
    tl.store(new + where, value.to(new.dtype.element_ty), mask=there)
    tl.store(out + pid * E + e, tl.sum(query[:, None] * value, 0).to(out.dtype.element_ty), mask=e < E)


def fused_step(state, q, k, v, log_decay) -> tuple[torch.Tensor, torch.Tensor]:
    """`linear_attention_step` by one kernel, without gradients; arguments as that function has checked them."""
    batch, heads, width = q.shape
    mode = NO_DECAY if log_decay is None else HEAD_DECAY if log_decay.ndim == 1 else TOKEN_DECAY
    state, q, k, v = (x.contiguous() for x in (state, q, k, v))
    new, out = torch.empty_like(state), torch.empty_like(v)
    with torch.cuda.device_of(q):
        step_kernel[(batch * heads, triton.cdiv(v.shape[2], SLICE))](
            state, q, k, v, q if log_decay is None else log_decay.contiguous(), out, new,
            heads, width, v.shape[2], BD=triton.next_power_of_2(width), BE=SLICE, MODE=mode.value,
        )  # fmt: skip
    return out, new
