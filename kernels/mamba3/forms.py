"""The exponential-trapezoidal scan in PyTorch: token by token, as one masked product, and in chunks.

    h_t = alpha_t h_{t-1} + beta_t x_{t-1} B~_{t-1}^T + gamma_t x_t B~_t^T,   y_t = h_t C~_t
    alpha = exp(dt A),  beta = (1 - lam) dt alpha,  gamma = lam dt,  lam = sigmoid(trap)

with B~, C~ turned by the cumulative angle sum(dt pi tanh(angle)) (Lahoti et al. 2026, sec. 3). Rows of rank R share
a token. Tensors inside this file are `[b,H,T,R,.]`.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import silu

from kernels.linear_attention import chunk_linear_attention
from kernels.mamba3.state import Mamba3State, Sizes

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
        turned = torch.view_as_real(pairs * torch.complex(angle.cos(), angle.sin())).flatten(-2)
    else:
        even, odd = x[..., 0 : 2 * s : 2], x[..., 1 : 2 * s : 2]
        cos, sin = angle.cos(), angle.sin()
        turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)
    return turned if 2 * s == x.shape[-1] else torch.cat((turned, x[..., 2 * s :]), -1)


def exp_trapezoid_coeffs(dt: Tensor, A: Tensor, lam: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients of one exponential-trapezoidal step (sec. 3.1).

    Args:
        dt, A, lam: step > 0, rate <= 0, weight of the right end in [0, 1]; shapes that broadcast.

    Returns:
        alpha = exp(dt A), beta = (1 - lam) dt alpha, gamma = lam dt.
    """
    alpha = torch.exp(dt * A)
    return alpha, (1 - lam) * dt * alpha, lam * dt


def heads(x: Tensor, H: int) -> Tensor:
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
    turned = torch.cumsum(dt[..., None] * heads(math.pi * torch.tanh(angles), H), 2)
    return torch.remainder(turned if start is None else turned + start[:, :, None], TURN)


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


def scan_steps(C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, state, sizes: Sizes):
    """The recurrence that defines the scan, token by token."""
    h, angle, B_last, x_last = state.h, state.angle, state.B, state.x
    outputs = []
    for t in range(sizes.T):
        step_angle = heads(math.pi * torch.tanh(angles[:, t : t + 1]), sizes.H)[:, :, 0]
        angle = torch.remainder(angle + dt[:, t, :, None] * step_angle, TURN)
        Bt = rotate_pairs(heads(B[:, t : t + 1], sizes.H)[:, :, 0] + B_bias, angle[:, :, None])
        Ct = rotate_pairs(heads(C[:, t : t + 1], sizes.H)[:, :, 0] + C_bias, angle[:, :, None])
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
    y = torch.cat(outputs, 1) if outputs else torch.zeros_like(x)
    return y, Mamba3State(angle, h, B_last, x_last)


def _quadratic(q, k, rows, log_decay, gamma, ahead, S0):
    """Masked product over all pairs of tokens; `(out rows, final state)`."""
    b, H, T, R, P = rows.shape
    a = torch.cumsum(log_decay, 2)
    mask = torch.ones(T, T, dtype=torch.bool, device=a.device).tril()
    decay = torch.exp((a[..., :, None] - a[..., None, :]).masked_fill(~mask, -torch.inf))
    weighted = (gamma + ahead)[..., None, None] * k
    flat = k.shape[3] * T
    scores = q.reshape(b, H, flat, -1) @ weighted.reshape(b, H, flat, -1).transpose(2, 3)
    if R == 1:
        scores = scores * decay
    else:
        scores = (scores.view(b, H, T, R, T, R) * decay[:, :, :, None, :, None]).view(b, H, flat, flat)
    out = (scores @ rows.reshape(b, H, flat, P)).view(b, H, T, R, P)
    out = out - ahead[..., None, None] * ((q @ k.transpose(3, 4)) @ rows)
    tail = torch.exp(a[..., -1:] - a)[..., None, None] * weighted
    final = rows.reshape(b, H, flat, P).transpose(2, 3) @ tail.reshape(b, H, flat, -1)
    if S0 is not None:
        out = out + torch.exp(a)[..., None, None] * (q @ S0.transpose(2, 3)[:, :, None])
        final = final + torch.exp(a[..., -1, None, None]) * S0
    return out, final


def _chunked(q, k, rows, log_decay, gamma, ahead, S0, chunk_size: int, backend: str):
    """Causal linear attention over the rows (t, r), then the block of each token put right.

    Rows of one token come one after the other and only the first of them decays. The attention gives every earlier or
    equal row the weight gamma + ahead; within a token all R x R pairs want gamma.
    """
    b, H, T, R, P = rows.shape
    flat_decay = torch.nn.functional.pad(log_decay[..., None], (0, R - 1)).reshape(b, H, T * R)
    weighted = (gamma + ahead)[..., None, None] * k
    out, final = chunk_linear_attention(
        q.reshape(b, H, T * R, -1), weighted.reshape(b, H, T * R, -1), rows.reshape(b, H, T * R, P), flat_decay,
        initial_state=None if S0 is None else S0.transpose(2, 3).contiguous(), output_final_state=True,
        chunk_size=chunk_size, backend=backend,
    )  # fmt: skip
    seen = torch.ones(R, R, dtype=q.dtype, device=q.device).tril()
    block = gamma[..., None, None] - (gamma + ahead)[..., None, None] * seen
    out = out.view(b, H, T, R, P) + ((q @ k.transpose(3, 4)) * block) @ rows
    return out, final.transpose(2, 3)


def scan_parallel(
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo, state, sizes: Sizes, form: str, chunk_size: int
):
    """The same scan as one masked product (`quadratic`) or in chunks (`chunked`)."""
    H = sizes.H
    log_decay, dt, trap = (value.transpose(1, 2) for value in (log_decay, dt, trap))
    gamma, ahead = token_weights(dt, trap)
    both = biased_heads(torch.cat((C, B), 2), torch.cat((C_bias, B_bias), 1))
    angle = cumulative_angle(angles, dt, H, None if state is None else state.angle)
    q, k = rotate_pairs(both, angle[:, :, :, None]).split(sizes.R, 3)
    rows = rows_of(x, mimo)
    S0 = None
    if state is not None:
        first = ((1 - torch.sigmoid(trap[..., 0])) * dt[..., 0])[..., None, None]
        S0 = state.h + first * rows_of(state.x[:, None], mimo)[:, :, 0].transpose(2, 3) @ state.B
    if form == "quadratic":
        out, final = _quadratic(q, k, rows, log_decay, gamma, ahead, S0)
    else:
        out, final = _chunked(q, k, rows, log_decay, gamma, ahead, S0, chunk_size, "torch")
    return merge(out, rows, D, z, mimo), Mamba3State(angle[:, :, -1], final, k[:, :, -1], x[:, -1])
