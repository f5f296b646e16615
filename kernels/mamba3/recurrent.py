"""The exponential-trapezoidal recurrence that defines the scan, token by token.

    h_t = alpha_t h_{t-1} + beta_t x_{t-1} B~_{t-1}^T + gamma_t x_t B~_t^T,   y_t = h_t C~_t
    alpha = exp(dt A),  beta = (1 - lam) dt alpha,  gamma = lam dt,  lam = sigmoid(trap)

with B~, C~ turned by the cumulative angle sum(dt pi tanh(angle)) (Lahoti et al. 2026, sec. 3).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from kernels.mamba3.inputs import Inputs
from kernels.mamba3.parts import TURN, merge, repeat_heads, rotate_pairs, rows_of
from kernels.mamba3.state import Mamba3State


class Token(NamedTuple):
    """What one token brings: its angle, rotated B and C `[b,H,R,N]`, coefficients `[b,H,1,1]`, rows `[b,H,R,P]`."""

    angle: Tensor
    B: Tensor
    C: Tensor
    alpha: Tensor
    beta: Tensor
    gamma: Tensor
    rows: Tensor
    rows_before: Tensor


def token(inputs: Inputs, state: Mamba3State, t: int) -> Token:
    """The parts of the step at token t, in the type of the inputs."""
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, _, _, mimo = inputs
    H = x.shape[2]
    step_angle = repeat_heads(math.pi * torch.tanh(angles[:, t : t + 1]), H)[:, :, 0]
    angle = torch.remainder(state.angle + dt[:, t, :, None] * step_angle, TURN)
    Bt = rotate_pairs(repeat_heads(B[:, t : t + 1], H)[:, :, 0] + B_bias, angle[:, :, None])
    Ct = rotate_pairs(repeat_heads(C[:, t : t + 1], H)[:, :, 0] + C_bias, angle[:, :, None])
    lam = torch.sigmoid(trap[:, t])
    alpha = torch.exp(log_decay[:, t])
    coefficients = (alpha, (1 - lam) * dt[:, t] * alpha, lam * dt[:, t])
    rows, before = (rows_of(value, mimo)[:, :, 0] for value in (x[:, t : t + 1], state.x[:, None]))
    return Token(angle, Bt, Ct, *(value[..., None, None] for value in coefficients), rows, before)


def merged(inputs: Inputs, now: Token, h: Tensor, t: int) -> Tensor:
    """Output of token t `[b,1,H,P]` from the state after it."""
    out = (h @ now.C.transpose(2, 3)).transpose(2, 3)
    z = None if inputs.z is None else inputs.z[:, t : t + 1]
    return merge(out[:, :, None], now.rows[:, :, None], inputs.D, z, inputs.mimo)


def recurrent_scan(inputs: Inputs, state: Mamba3State) -> tuple[Tensor, Mamba3State]:
    """Outputs `[b,T,H,P]` and the state after the last token, in the type of the inputs; T >= 1."""
    outputs = []
    for t in range(inputs.x.shape[1]):
        now = token(inputs, state, t)
        h = (
            now.alpha * state.h
            + now.beta * now.rows_before.transpose(2, 3) @ state.B
            + now.gamma * now.rows.transpose(2, 3) @ now.B
        )
        outputs.append(merged(inputs, now, h, t))
        state = Mamba3State(now.angle, h, now.B, inputs.x[:, t])
    return torch.cat(outputs, 1), state._replace(x=state.x.clone())
