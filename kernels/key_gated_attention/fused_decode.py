"""One token of key-gated attention as one Triton kernel: the state of a group is read and written once."""

import torch
import triton
import triton.language as tl

from kernels.key_gated_attention.fused_kernels import gates, softmax_rows

SLICE = 32  # columns of the state for each program


@triton.jit
def step_kernel(
    state, q, k, v, out, new, scale, damping, D: tl.constexpr, E: tl.constexpr, BD: tl.constexpr, BE: tl.constexpr,
    R: tl.constexpr, HGRN2: tl.constexpr,
):  # fmt: skip
    """Grid: (batch * groups, ceil(E / BE)); the R query heads of a group read its new state in turn."""
    pid = tl.program_id(0).to(tl.int64)
    d, e = tl.arange(0, BD), tl.program_id(1) * BE + tl.arange(0, BE)
    where = pid * D * E + d[:, None] * E + e[None, :]
    there = (d < D)[:, None] & (e < E)[None, :]
    x = tl.load(k + pid * D + d, mask=d < D, other=0.0).to(tl.float32)
    gate, key = gates(x, damping)
    if not HGRN2:
        share, _, _ = softmax_rows(x[None, :], D, BD)
        key = tl.sum(share, 0)
    value = tl.load(state + where, mask=there, other=0.0).to(tl.float32) * tl.exp(gate)[:, None]
    value += key[:, None] * tl.load(v + pid * E + e, mask=e < E, other=0.0).to(tl.float32)[None, :]
    tl.store(new + where, value.to(new.dtype.element_ty), mask=there)
    for r in range(R):
        row = pid * R + r
        query, _, _ = softmax_rows(tl.load(q + row * D + d, mask=d < D, other=0.0).to(tl.float32)[None, :], D, BD)
        result = scale * tl.sum(tl.trans(query) * value, 0)
        tl.store(out + row * E + e, result.to(out.dtype.element_ty), mask=e < E)


def fused_step(state, q, k, v, form, damping, scale) -> tuple[torch.Tensor, torch.Tensor]:
    """`key_gated_attention_step` by one kernel, without gradients; arguments as that function has checked them."""
    (batch, heads, width), groups = q.shape, k.shape[1]
    state, q, k, v = (x.contiguous() for x in (state, q, k, v))
    new, out = torch.empty_like(state), v.new_empty(batch, heads, v.shape[2])
    with torch.cuda.device_of(q):
        step_kernel[(batch * groups, triton.cdiv(v.shape[2], SLICE))](
            state, q, k, v, out, new, scale, damping, width, v.shape[2],
            BD=triton.next_power_of_2(width), BE=SLICE, R=heads // groups, HGRN2=form == "hgrn2",
        )  # fmt: skip
    return out, new
