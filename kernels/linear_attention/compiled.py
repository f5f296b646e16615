"""Linear attention token by token in compiled code: the form of a CPU.

One pass serves forward and backward: for the tokens in order, S <- exp(a) S + y^T z and o = x S. The output takes
(x, y, z) = (q, k, v), dq (do, v, k), and with the tokens in reverse, where the decay of the next token counts, dk
(v, do, q) and dv (k, q, do). Rows, that is sequences by heads, are independent, so that the number of threads changes
no digit. Tokens of later places never touch earlier outputs.
"""

import itertools

import numpy as np
import torch
from numba import njit
from torch.autograd.function import once_differentiable

from kernels.arguments import state_type
from kernels.linear_attention.gradient import decay_gradient
from kernels.rows import on_rows, row_table


@njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
def _scan_rows(x, y, z, decay, states, out, table, scale, reverse):
    """Outputs of some rows; `states` holds the starts and receives the ends.

    Rows of S go four at a time, so that an output is read and written once for four. A token's vectors are indexed in
    place: a view of each would cost as much as a quarter of the products.

    Args:
        x, y: `[B, T, H, M]`; z, out: `[B, T, H, N]`.
        decay: `[B, T, H]`.
        states: `[sequences, H, M, N]`.
        table: rows `(line of the batch, first token, end, sequence, head)`.
    """
    M, N = states.shape[2:]
    S, o, w = np.empty((M, N), states.dtype), np.empty(N, z.dtype), np.empty(N, z.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, h = table[row]
        S[:] = states[sequence, h]
        for i in range(stop - start):
            t = stop - 1 - i if reverse else start + i
            a = decay[b, t, h]
            for n in range(N):
                o[n] = 0
                w[n] = z[b, t, h, n]
            for m in range(0, M - 3, 4):
                x0, x1, x2, x3 = x[b, t, h, m], x[b, t, h, m + 1], x[b, t, h, m + 2], x[b, t, h, m + 3]
                y0, y1, y2, y3 = y[b, t, h, m], y[b, t, h, m + 1], y[b, t, h, m + 2], y[b, t, h, m + 3]
                for n in range(N):
                    s0 = a * S[m, n] + y0 * w[n]
                    s1 = a * S[m + 1, n] + y1 * w[n]
                    s2 = a * S[m + 2, n] + y2 * w[n]
                    s3 = a * S[m + 3, n] + y3 * w[n]
                    S[m, n] = s0
                    S[m + 1, n] = s1
                    S[m + 2, n] = s2
                    S[m + 3, n] = s3
                    o[n] += (x0 * s0 + x1 * s1) + (x2 * s2 + x3 * s3)
            for m in range(M - M % 4, M):
                x0, y0 = x[b, t, h, m], y[b, t, h, m]
                for n in range(N):
                    s0 = a * S[m, n] + y0 * w[n]
                    S[m, n] = s0
                    o[n] += x0 * s0
            for n in range(N):
                out[b, t, h, n] = scale * o[n]
        states[sequence, h] = S


def causal_pass(
    x, y, z, decay, state, bounds, scale: float, reverse: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs `[B, T, H, N]` and states at the far ends `[B or sequences, H, M, N]`.

    Args:
        x, y, z: as in `_scan_rows`, contiguous, of the type of the states.
        decay: what the state is multiplied by before each token is added, `[B, T, H]`.
        state: at the near ends.
        bounds: of packed sequences, or None.
        scale: factor of the outputs.
        reverse: from the last token to the first.
    """
    batch, tokens, heads, _ = x.shape
    out, state = torch.empty_like(z), state.clone(memory_format=torch.contiguous_format)
    arrays = [tensor.detach().numpy() for tensor in (x, y, z, decay, state, out)]
    scale = arrays[0].dtype.type(scale)
    on_rows(
        lambda rows: _scan_rows(*arrays, rows, scale, reverse),
        row_table(batch, tokens, heads, bounds),
        x.numel() * z.shape[3],
    )
    return out, state


class _Compiled(torch.autograd.Function):
    """Keeps q, k, v, the log decay and the initial state; the backward pass scans three times."""

    @staticmethod
    def forward(ctx, q, k, v, log_decay, initial_state, scale, bounds):
        kind = state_type(q.dtype)
        x, y, z, decay, state = _prepared(q, k, v, log_decay, initial_state, bounds)
        o, final = causal_pass(x, y, z, decay, state, bounds, scale)
        learned = log_decay is not None and log_decay.requires_grad
        ctx.save_for_backward(q, k, v, log_decay, initial_state, final if learned else None)
        ctx.options = scale, bounds, kind
        ctx.set_materialize_grads(False)
        return o.to(v.dtype), final

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, log_decay, initial_state, final = ctx.saved_tensors
        scale, bounds, kind = ctx.options
        x, y, z, decay, state = _prepared(q, k, v, log_decay, initial_state, bounds)
        d_out = torch.zeros_like(z) if d_out is None else d_out.to(kind).contiguous()
        d_final = torch.zeros_like(state) if d_final is None else d_final.to(kind)
        dq, _ = causal_pass(d_out, z, y, decay, state.mT, bounds, scale)
        # the adjoint of the state grows by scale q^T do; its transpose serves dk
        ahead = _next_decay(decay, bounds)
        dk, _ = causal_pass(z, d_out, x * scale, ahead, d_final.mT, bounds, 1.0, reverse=True)
        dv, d_first = causal_pass(y, x * scale, d_out, ahead, d_final, bounds, 1.0, reverse=True)
        d_decay = None
        if final is not None:
            per_token = ((x * dq).sum(-1) - (y * dk).sum(-1)).transpose(1, 2)
            d_decay = decay_gradient(per_token, final, d_final, log_decay, bounds)
        d_initial = None
        if initial_state is not None:
            d_initial = (d_first * _first_decay(decay, bounds)[..., None, None]).to(initial_state.dtype)
        return *(g.to(like.dtype) for g, like in zip((dq, dk, dv), (q, k, v))), d_decay, d_initial, None, None


def _prepared(q, k, v, log_decay, initial_state, bounds):
    """Contiguous q, k, v and decays `[B, T, H]` in the type of the states, and the states before the first tokens."""
    kind, (batch, tokens, heads, width) = state_type(q.dtype), q.shape
    x, y, z = (value.to(kind).contiguous() for value in (q, k, v))
    decay = x.new_ones(batch, tokens, heads)
    if log_decay is not None:
        decay = torch.exp(log_decay.detach().to(kind)).expand(batch, tokens, heads).contiguous()
    sequences = batch if bounds is None else len(bounds) - 1
    state = x.new_zeros(sequences, heads, width, v.shape[3]) if initial_state is None else initial_state.to(kind)
    return x, y, z, decay, state


def _next_decay(decay, bounds) -> torch.Tensor:
    """Decay of the token after each one, 1 after the last of a sequence."""
    ahead = torch.cat((decay[:, 1:], torch.ones_like(decay[:, :1])), 1)
    if bounds is not None:
        ahead[:, [stop - 1 for start, stop in itertools.pairwise(bounds) if start < stop]] = 1
    return ahead


def _first_decay(decay, bounds) -> torch.Tensor:
    """Decay of the first token of each sequence `[sequences, H]`, 1 for one without tokens."""
    if bounds is None:
        return decay[:, 0]
    rows = [
        decay[0, start] if start < stop else torch.ones_like(decay[0, 0]) for start, stop in itertools.pairwise(bounds)
    ]
    return torch.stack(rows)


def compiled_linear_attention(q, k, v, log_decay, initial_state, scale, bounds):
    """Output and final state; arguments as `linear_attention` has checked them, on a CPU, with a token."""
    return _Compiled.apply(q, k, v, log_decay, initial_state, scale, bounds)
