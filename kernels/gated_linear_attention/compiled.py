"""Gated linear attention token by token in compiled code: the form of a CPU.

Forwards S <- diag(a) S + k^T v, and o = scale q S. Backwards the same memories come again for dq = scale S do, and from
the last token the adjoint G <- G + scale q^T do, dk = G v, dv = k G, G <- diag(a) G. The gradient of the log decay is
the sum over this and all later tokens of q dq - k dk, and S dS of the end. Rows, that is sequences by heads, are
independent, so that the number of threads changes no digit.
"""

import numpy as np
import torch
from numba import njit
from torch.autograd.function import once_differentiable

from kernels.arguments import state_type
from kernels.linear_attention.gradient import channel_gradient
from kernels.rows import on_rows, row_table

OPTIONS = {"nogil": True, "cache": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}


@njit(**OPTIONS)
def _forward_rows(q, k, v, decay, states, out, table, scale):
    """Outputs of some rows; `states` holds the starts and receives the ends."""
    D, E = states.shape[2:]
    S, o = np.empty((D, E), states.dtype), np.empty(E, v.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, h = table[row]
        S[:] = states[sequence, h]
        for t in range(start, stop):
            for n in range(E):
                o[n] = 0
            for m in range(D):
                q0, k0, a = q[b, t, h, m], k[b, t, h, m], decay[b, t, h, m]
                for n in range(E):
                    s = a * S[m, n] + k0 * v[b, t, h, n]
                    S[m, n] = s
                    o[n] += q0 * s
            for n in range(E):
                out[b, t, h, n] = scale * o[n]
        states[sequence, h] = S


@njit(**OPTIONS)
def _query_rows(k, v, decay, states, d_out, dq, table, scale):
    """Gradients of the queries of some rows; `states` holds the starts."""
    D, E = states.shape[2:]
    S = np.empty((D, E), states.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, h = table[row]
        S[:] = states[sequence, h]
        for t in range(start, stop):
            for m in range(D):
                k0, a, total = k[b, t, h, m], decay[b, t, h, m], scale * 0
                for n in range(E):
                    s = a * S[m, n] + k0 * v[b, t, h, n]
                    S[m, n] = s
                    total += s * d_out[b, t, h, n]
                dq[b, t, h, m] = scale * total


@njit(**OPTIONS)
def _key_rows(q, k, v, decay, adjoint, d_out, dk, dv, table, scale):
    """Gradients of keys and values of some rows; `adjoint` holds those of the ends and receives those of the starts."""
    D, E = adjoint.shape[2:]
    G, total = np.empty((D, E), adjoint.dtype), np.empty(E, v.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, h = table[row]
        G[:] = adjoint[sequence, h]
        for t in range(stop - 1, start - 1, -1):
            for n in range(E):
                total[n] = 0
            for m in range(D):
                q0, k0, a, along = scale * q[b, t, h, m], k[b, t, h, m], decay[b, t, h, m], scale * 0
                for n in range(E):
                    g = G[m, n] + q0 * d_out[b, t, h, n]
                    along += g * v[b, t, h, n]
                    total[n] += k0 * g
                    G[m, n] = a * g
                dk[b, t, h, m] = along
            for n in range(E):
                dv[b, t, h, n] = total[n]
        adjoint[sequence, h] = G


class _Compiled(torch.autograd.Function):
    """Keeps its inputs and the states at both ends."""

    @staticmethod
    def forward(ctx, q, k, v, log_decay, state, scale, bounds):
        x, y, z, decay, start = _prepared(q, k, v, log_decay, state)
        out, final = torch.empty_like(z), start.clone()
        arrays = [tensor.numpy() for tensor in (x, y, z, decay, final, out)]
        number, table = arrays[0].dtype.type(scale), row_table(*x.shape[:3], bounds)
        on_rows(lambda rows: _forward_rows(*arrays, rows, number), table, 2 * x.numel() * z.shape[3])
        ctx.save_for_backward(q, k, v, log_decay, state, final)
        ctx.options = scale, bounds, table
        ctx.set_materialize_grads(False)
        return out.to(v.dtype), final

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, log_decay, state, final = ctx.saved_tensors
        scale, bounds, table = ctx.options
        x, y, z, decay, start = _prepared(q, k, v, log_decay, state)
        d_out = torch.zeros_like(z) if d_out is None else d_out.to(z.dtype).contiguous()
        d_final = torch.zeros_like(start) if d_final is None else d_final.to(z.dtype)
        adjoint = d_final.clone(memory_format=torch.contiguous_format)
        dq, dk, dv = (torch.empty_like(value) for value in (x, y, z))
        number, work = x.numpy().dtype.type(scale), 2 * x.numel() * z.shape[3]
        forwards = [value.numpy() for value in (y, z, decay, start, d_out, dq)]
        on_rows(lambda rows: _query_rows(*forwards, rows, number), table, work)
        backwards = [value.numpy() for value in (x, y, z, decay, adjoint, d_out, dk, dv)]
        on_rows(lambda rows: _key_rows(*backwards, rows, number), table, 2 * work)
        d_decay = channel_gradient(x * dq - y * dk, final, d_final, log_decay, bounds)
        gradients = (g.to(value.dtype) for g, value in zip((dq, dk, dv), (q, k, v)))
        return *gradients, d_decay, adjoint.to(state.dtype), None, None


def _prepared(q, k, v, log_decay, state):
    """Inputs, decays and states in the type of the states, contiguous and without their graph."""
    kind = state_type(q.dtype)
    inputs = [value.detach().to(kind).contiguous() for value in (q, k, v, log_decay, state)]
    inputs[3] = torch.exp(inputs[3])
    return inputs


def compiled_gated_linear_attention(q, k, v, log_decay, state, scale, bounds):
    """Output and final state; arguments as `gated_linear_attention` has checked them, on a CPU, with a token."""
    return _Compiled.apply(q, k, v, log_decay, state, scale, bounds)
