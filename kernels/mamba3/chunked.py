"""The parallel forms of the scan in PyTorch: by causal linear attention over its rows, and as one masked product.

Both are sums over earlier rows of (C~ . B~) x: beta_{t+1} holds alpha_{t+1}, so that token t weighs
gamma_t + (1 - lam_{t+1}) dt_{t+1} for all later tokens and gamma_t for itself.
"""

import torch
from torch import Tensor

from kernels.linear_attention import linear_attention
from kernels.mamba3.inputs import Inputs
from kernels.mamba3.parts import biased_heads, cumulative_angle, merge, rotate_pairs, rows_of, token_weights
from kernels.mamba3.quadratic import masked_product
from kernels.mamba3.state import Mamba3State


def _attended(q, k, rows, log_decay, gamma, ahead, S0, form: str, chunk_size: int):
    """Causal linear attention over the rows (t, r), then the block of each token put right.

    Rows of one token come one after the other and only the first of them decays. The attention gives every earlier or
    equal row the weight gamma + ahead; within a token all R x R pairs want gamma.
    """
    b, H, T, R, P = rows.shape
    flat_decay = torch.nn.functional.pad(log_decay[..., None], (0, R - 1)).reshape(b, H, T * R)
    weighted = (gamma + ahead)[..., None, None] * k
    by_token = (value.reshape(b, H, T * R, -1).transpose(1, 2) for value in (q, weighted, rows))
    out, final = linear_attention(
        *by_token,
        flat_decay.transpose(1, 2),
        initial_state=None if S0 is None else S0.transpose(2, 3).contiguous(),
        output_final_state=True,
        chunk_size=chunk_size,
        backend=form,
    )
    lower = torch.ones(R, R, dtype=q.dtype, device=q.device).tril()
    block = gamma[..., None, None] - (gamma + ahead)[..., None, None] * lower
    out = out.transpose(1, 2).view(b, H, T, R, P) + ((q @ k.transpose(3, 4)) * block) @ rows
    return out, final.transpose(2, 3)


def parallel_scan(inputs: Inputs, state: Mamba3State | None, form: str, chunk_size: int) -> tuple[Tensor, Mamba3State]:
    """Outputs `[b,T,H,P]` and the state after the last token, T >= 1.

    Args:
        inputs: checked arguments.
        state: before the first token; None for zeros.
        form: `quadratic`, or the form of linear attention, `chunked` or `compiled`.
        chunk_size: rows (tokens times R) of a chunk.
    """
    C, B, x, log_decay, dt, trap, angles, C_bias, B_bias, D, z, mimo = inputs
    log_decay, dt, trap = (value.transpose(1, 2) for value in (log_decay, dt, trap))
    gamma, ahead = token_weights(dt, trap)
    both = biased_heads(torch.cat((C, B), 2), torch.cat((C_bias, B_bias), 1))
    angle = cumulative_angle(angles, dt, x.shape[2], None if state is None else state.angle)
    q, k = rotate_pairs(both, angle[:, :, :, None]).split(C.shape[2], 3)
    rows = rows_of(x, mimo)
    S0 = None
    if state is not None:
        first = ((1 - torch.sigmoid(trap[..., 0])) * dt[..., 0])[..., None, None]
        S0 = state.h + first * rows_of(state.x[:, None], mimo)[:, :, 0].transpose(2, 3) @ state.B
    if form == "quadratic":
        out, final = masked_product(q, k, rows, log_decay, gamma, ahead, S0)
    else:
        out, final = _attended(q, k, rows, log_decay, gamma, ahead, S0, form, chunk_size)
    ends = (angle[:, :, -1], k[:, :, -1], x[:, -1])  # copied: a view would keep all tokens in memory
    last_angle, last_B, last_x = (value.clone() for value in ends)
    return merge(out, rows, D, z, mimo), Mamba3State(last_angle, final.contiguous(), last_B, last_x)
