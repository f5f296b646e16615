"""What the PyTorch forms of the scan share: rotation, biases, weights of tokens and ranks, gate.

Tensors inside the forms have heads before tokens and rows of rank R for each token, `[b,H,T,R,.]`.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import silu

TURN = 2 * math.pi


def rotate_pairs(x: Tensor, angle: Tensor) -> Tensor:
    """Rotate the pairs (2i, 2i+1) of the last axis: (a, b) -> (a cos - b sin, a sin + b cos).

    Args:
        x: `[..., N]`.
        angle: `[..., S]` radians with 2 S <= N; components from 2 S on stay.

    Raises:
        ValueError: more pairs than N allows.
    """
    s = angle.shape[-1]
    if 2 * s > x.shape[-1]:
        raise ValueError(f"angle: got {s} pairs, expected at most {x.shape[-1] // 2} for vectors of {x.shape[-1]}")
    if s == 0:
        return x
    if x.dtype in (torch.float32, torch.float64):  # one complex product; halves have no complex type
        pairs = torch.view_as_complex(x[..., : 2 * s].unflatten(-1, (s, 2)).contiguous())
        rotated = torch.view_as_real(pairs * torch.complex(angle.cos(), angle.sin())).flatten(-2)
    else:
        even, odd = x[..., 0 : 2 * s : 2], x[..., 1 : 2 * s : 2]
        cos, sin = angle.cos(), angle.sin()
        rotated = torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)
    return rotated if 2 * s == x.shape[-1] else torch.cat((rotated, x[..., 2 * s :]), -1)


def exp_trapezoid_coeffs(dt: Tensor, A: Tensor, lam: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients of one exponential-trapezoidal step (sec. 3.1).

    Args:
        dt, A, lam: step > 0, rate <= 0, weight of the right end in [0, 1]; shapes that broadcast.

    Returns:
        alpha = exp(dt A), beta = (1 - lam) dt alpha, gamma = lam dt.
    """
    alpha = torch.exp(dt * A)
    return alpha, (1 - lam) * dt * alpha, lam * dt


def repeat_heads(x: Tensor, H: int) -> Tensor:
    """Repeat the groups of `[b,T,...,G,N]` for their heads and put the heads second: `[b,H,T,...,N]`."""
    if x.shape[-2] != H:
        x = x.repeat_interleave(H // x.shape[-2], -2)
    return x.movedim(-2, 1)


def biased_heads(x: Tensor, bias: Tensor) -> Tensor:
    """Vectors `[b,T,R,G,N]` for each head plus the heads' biases `[H,R,N]`: `[b,H,T,R,N]`."""
    groups = x.shape[3]
    out = x.permute(0, 3, 1, 2, 4)[:, :, None] + bias.unflatten(0, (groups, -1))[:, :, None]
    return out.flatten(1, 2)


def cumulative_angle(angles: Tensor, dt: Tensor, H: int, start: Tensor | None = None) -> Tensor:
    """Angles `[b,H,T,S]` modulo 2 pi after each token.

    Args:
        angles: raw, `[b,T,A,S]`.
        dt: `[b,H,T]`.
        H: number of heads.
        start: angle before the first token, `[b,H,S]`.
    """
    steps = dt.double()[..., None] * repeat_heads(math.pi * torch.tanh(angles).double(), H)
    turns = torch.cumsum(steps, 2)  # in float64: the sum grows with the sequence, the angle does not
    return torch.remainder(turns if start is None else turns + start[:, :, None], TURN).to(dt.dtype)


def token_weights(dt: Tensor, trap: Tensor) -> tuple[Tensor, Tensor]:
    """gamma_t and the part of token t's weight that the next token brings, `[b,H,T]` each.

    beta_{t+1} holds alpha_{t+1}, which completes the decay from t on, so that (1 - lam_{t+1}) dt_{t+1} adds to gamma_t;
    it is 0 after the last token, which makes the carried state the true one at the end.
    """
    lam = torch.sigmoid(trap)
    ahead = (1 - lam) * dt
    return lam * dt, torch.nn.functional.pad(ahead[..., 1:], (0, 1))


def rows_of(x: Tensor, mimo) -> Tensor:
    """Weight x `[b,T,H,P]` for each rank: `[b,H,T,R,P]`."""
    x = x.transpose(1, 2)[:, :, :, None]
    return x if mimo is None else x * mimo[0][:, None]


def merge(out: Tensor, rows: Tensor, D, z, mimo) -> Tensor:
    """Skip, gate and sum over ranks: `[b,T,H,P]` from rows `[b,H,T,R,P]`."""
    if D is not None:
        out = out + D[:, None, None, None] * rows
    if z is not None:
        gate = z.transpose(1, 2)[:, :, :, None]
        out = out * silu(gate if mimo is None else gate * mimo[1][:, None])
    out = out[:, :, :, 0] if mimo is None else (out * mimo[2][:, None]).sum(3)
    return out.transpose(1, 2)
