"""The exponential-trapezoidal recurrence that defines the scan, token by token.

    h_t = alpha_t h_{t-1} + beta_t x_{t-1} B~_{t-1}^T + gamma_t x_t B~_t^T,   y_t = h_t C~_t
    alpha = exp(dt A),  beta = (1 - lam) dt alpha,  gamma = lam dt,  lam = sigmoid(trap)

with B~, C~ turned by the cumulative angle sum(dt pi tanh(angle)) (Lahoti et al. 2026, sec. 3).
"""

import math

import torch
from torch import Tensor

from kernels.mamba3.inputs import Inputs
from kernels.mamba3.parts import TURN, merge, repeat_heads, rotate_pairs, rows_of
from kernels.mamba3.state import Mamba3State


def recurrent_scan(inputs: Inputs, state: Mamba3State) -> tuple[Tensor, Mamba3State]:
    """Outputs `[b,T,H,P]` and the state after the last token, in the type of the inputs; T >= 1."""
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo = inputs
    angle, h, B_last, x_last = state
    H, outputs = x.shape[2], []
    for t in range(x.shape[1]):
        step_angle = repeat_heads(math.pi * torch.tanh(angles[:, t : t + 1]), H)[:, :, 0]
        angle = torch.remainder(angle + dt[:, t, :, None] * step_angle, TURN)
        Bt = rotate_pairs(repeat_heads(B[:, t : t + 1], H)[:, :, 0] + B_bias, angle[:, :, None])
        Ct = rotate_pairs(repeat_heads(C[:, t : t + 1], H)[:, :, 0] + C_bias, angle[:, :, None])
        lam = torch.sigmoid(trap[:, t])
        alpha = torch.exp(log_decay[:, t])
        beta, gamma = (1 - lam) * dt[:, t] * alpha, lam * dt[:, t]
        now = rows_of(x[:, t : t + 1], mimo)[:, :, 0]
        before = rows_of(x_last[:, None], mimo)[:, :, 0]
        h = (
            alpha[..., None, None] * h
            + beta[..., None, None] * before.transpose(2, 3) @ B_last
            + gamma[..., None, None] * now.transpose(2, 3) @ Bt
        )
        out = (h @ Ct.transpose(2, 3)).transpose(2, 3)
        zt = None if z is None else z[:, t : t + 1]
        outputs.append(merge(out[:, :, None], now[:, :, None], D, zt, mimo))
        B_last, x_last = Bt, x[:, t]
    return torch.cat(outputs, 1), Mamba3State(angle, h, B_last, x_last.clone())
