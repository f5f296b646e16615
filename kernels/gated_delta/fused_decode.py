"""One token of the gated delta rule as one Triton kernel: the memory is read and written once."""

import torch
import triton
import triton.language as tl

SLICE = 32  # columns of the memory for each program


@triton.jit
def step_kernel(
    state, q, k, v, beta, decay, out, new, scale,
    D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BE: tl.constexpr,
):  # fmt: skip
    """Grid: (batch * heads, ceil(E / BE))."""
    pid = tl.program_id(0).to(tl.int64)
    d, e = tl.arange(0, BD), tl.program_id(1) * BE + tl.arange(0, BE)
    where = pid * D * E + d[:, None] * E + e[None, :]
    there = (d < D)[:, None] & (e < E)[None, :]
    key = tl.load(k + pid * D + d, mask=d < D, other=0.0).to(tl.float32)
    query = tl.load(q + pid * D + d, mask=d < D, other=0.0).to(tl.float32)
    value = tl.load(v + pid * E + e, mask=e < E, other=0.0).to(tl.float32)
    fade = tl.exp(tl.load(decay + pid).to(tl.float32))
    memory = tl.load(state + where, mask=there, other=0.0).to(tl.float32) * fade
    write = tl.load(beta + pid).to(tl.float32) * (value - tl.sum(key[:, None] * memory, 0))
    memory += key[:, None] * write[None, :]
    tl.store(new + where, memory.to(new.dtype.element_ty), mask=there)
    result = scale * tl.sum(query[:, None] * memory, 0)
    tl.store(out + pid * E + e, result.to(out.dtype.element_ty), mask=e < E)


def fused_step(state, q, k, v, beta, log_decay, scale) -> tuple[torch.Tensor, torch.Tensor]:
    """`gated_delta_step` by one kernel, without gradients; arguments as that function has checked them."""
    batch, heads, width = q.shape
    state, q, k, v, beta, log_decay = (x.contiguous() for x in (state, q, k, v, beta, log_decay))
    new, out = torch.empty_like(state), torch.empty_like(v)
    with torch.cuda.device_of(q):
        step_kernel[(batch * heads, triton.cdiv(v.shape[2], SLICE))](
            state, q, k, v, beta, log_decay, out, new, scale, width, v.shape[2],
            BD=triton.next_power_of_2(width), BE=SLICE,
        )  # fmt: skip
    return out, new
