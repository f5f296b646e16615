"""One token of Mamba-3 as one Triton kernel: rotation, state update, read-out, gate and sum over ranks."""

import math

import torch
import triton
import triton.language as tl

from kernels.mamba3.fused import power_of_two
from kernels.mamba3.inputs import Inputs
from kernels.mamba3.state import Mamba3State
from kernels.mamba3.tiles import reduce_turn, rotate


@triton.jit
def _turned_row(ptr, bias, row, bias_row, s, even, odd, cos, sin, N):
    """One rank of B or C plus bias, rotated: its even and its odd components."""
    ue = tl.load(ptr + row * N + 2 * s, mask=even, other=0.0).to(tl.float32)
    uo = tl.load(ptr + row * N + 2 * s + 1, mask=odd, other=0.0).to(tl.float32)
    ue += tl.load(bias + bias_row * N + 2 * s, mask=even, other=0.0).to(tl.float32)
    uo += tl.load(bias + bias_row * N + 2 * s + 1, mask=odd, other=0.0).to(tl.float32)
    return rotate(ue, uo, cos, sin)


@triton.jit
def step_kernel(
    C, B, x, log_decay, dt, lam, rate, C_bias, B_bias, D, z, mx, mz, mo, angle, h, B_last, x_last,
    y, angle_new, h_new, B_new,
    H, G, A, N, S, P,
    R: tl.constexpr, BN: tl.constexpr, BP: tl.constexpr,
    HAS_D: tl.constexpr, GATED: tl.constexpr, WEIGHTED: tl.constexpr,
):  # fmt: skip
    """One program for each head and block of BP channels; the state is read and written once."""
    pid = tl.program_id(0).to(tl.int64)
    block = tl.program_id(1)
    b, head = pid // H, pid % H
    group, turn_group = head // (H // G), head // (H // A)
    s = tl.arange(0, BN)
    p = block * BP + tl.arange(0, BP)
    there, turning, even, odd = p < P, s < S, 2 * s < N, 2 * s + 1 < N
    step = tl.load(dt + pid).to(tl.float32)
    weight = tl.load(lam + pid).to(tl.float32)
    alpha = tl.exp(tl.load(log_decay + pid).to(tl.float32))
    beta, gamma = (1 - weight) * step * alpha, weight * step
    rates = tl.load(rate + (b * A + turn_group) * S + s, mask=turning, other=0.0).to(tl.float32)
    theta = tl.load(angle + pid * S + s, mask=turning, other=0.0).to(tl.float32) + step * rates
    theta = reduce_turn(theta)
    cos, sin = tl.cos(theta), tl.sin(theta)
    n = tl.arange(0, 2 * BN)  # a row of the state is one contiguous load, split in registers
    at = pid * P * N + p[:, None] * N + n[None, :]
    keep = there[:, None] & (n < N)[None, :]
    before_h = alpha * tl.load(h + at, mask=keep, other=0.0).to(tl.float32)
    he, ho = tl.split(tl.reshape(before_h, [BP, BN, 2]))
    now = tl.load(x + pid * P + p, mask=there, other=0.0).to(tl.float32)
    before = tl.load(x_last + pid * P + p, mask=there, other=0.0).to(tl.float32)
    for r in tl.static_range(R):
        row = (b * R + r) * G + group
        ke, ko = _turned_row(B, B_bias, row, head * R + r, s, even, odd, cos, sin, N)
        previous = (pid * R + r) * N + 2 * s
        oe = tl.load(B_last + previous, mask=even, other=0.0).to(tl.float32)
        oo = tl.load(B_last + previous + 1, mask=odd, other=0.0).to(tl.float32)
        new, old = gamma * now, beta * before
        if WEIGHTED:
            m = tl.load(mx + (head * R + r) * P + p, mask=there, other=0.0).to(tl.float32)
            new, old = new * m, old * m
        he += new[:, None] * ke[None, :] + old[:, None] * oe[None, :]
        ho += new[:, None] * ko[None, :] + old[:, None] * oo[None, :]
        if block == 0:
            tl.store(B_new + previous, ke, mask=even)
            tl.store(B_new + previous + 1, ko, mask=odd)
    tl.store(h_new + at, tl.reshape(tl.join(he, ho), [BP, 2 * BN]).to(h_new.dtype.element_ty), mask=keep)
    if block == 0:
        tl.store(angle_new + pid * S + s, theta, mask=turning)
    out = tl.zeros([BP], dtype=tl.float32)
    for r in tl.static_range(R):
        row = (b * R + r) * G + group
        qe, qo = _turned_row(C, C_bias, row, head * R + r, s, even, odd, cos, sin, N)
        o = tl.sum(he * qe[None, :], 1) + tl.sum(ho * qo[None, :], 1)
        at_r = (head * R + r) * P + p
        if HAS_D:
            skip = tl.load(D + head).to(tl.float32) * now
            if WEIGHTED:
                skip *= tl.load(mx + at_r, mask=there, other=0.0).to(tl.float32)
            o += skip
        if GATED:
            gate = tl.load(z + pid * P + p, mask=there, other=0.0).to(tl.float32)
            if WEIGHTED:
                gate *= tl.load(mz + at_r, mask=there, other=0.0).to(tl.float32)
            o *= gate / (1 + tl.exp(-gate))
        if WEIGHTED:
            o *= tl.load(mo + at_r, mask=there, other=0.0).to(tl.float32)
        out += o
    tl.store(y + pid * P + p, out, mask=there)


def fused_step(inputs: Inputs, state: Mamba3State) -> tuple[torch.Tensor, Mamba3State]:
    """`mamba3_step` by one kernel, without gradients; one token, checked."""
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo = inputs
    b, _, H, P, R, G, N, A, S = inputs.sizes
    y = torch.empty(b, H, P, dtype=x.dtype, device=x.device)
    new = Mamba3State(
        torch.empty_like(state.angle),
        torch.empty_like(state.h),
        torch.empty_like(state.B),
        x[:, 0].clone(memory_format=torch.contiguous_format),
    )
    lam, rate = torch.sigmoid(trap.float()), math.pi * torch.tanh(angles.float())
    unused = x
    weights = (unused,) * 3 if mimo is None else tuple(m.contiguous() for m in mimo)
    D_, z_ = (unused if value is None else value for value in (D, z))
    block = min(16, power_of_two(P))
    step_kernel[(b * H, triton.cdiv(P, block))](
        *(value.contiguous() for value in (C, B, x, log_decay, dt, lam, rate, C_bias, B_bias, D_, z_)), *weights,
        state.angle.contiguous(), state.h.contiguous(), state.B.contiguous(), state.x.contiguous(),
        y, new.angle, new.h, new.B, H, G, A, N, S, P,
        R=R, BN=power_of_two((N + 1) // 2), BP=block,
        HAS_D=D is not None, GATED=z is not None, WEIGHTED=mimo is not None,
    )  # fmt: skip
    return y, new
