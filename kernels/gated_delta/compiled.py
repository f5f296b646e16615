"""The gated delta rule token by token in compiled code: the form of a CPU.

With a the decay of a token and r = v - a k S the part of its value that the memory does not hold yet,

    S' = a S + k^T (beta r),   o = scale q S'.

Backwards, with G the gradient of S' and e = k G,

    dq = scale S' do,   dk = G (beta r) - beta a S e,   dv = beta e,   d beta = r . e,
    dS = a (G - beta k^T e),   d log a = <S, dS>.

The memories before each token come again from the r that the forward pass keeps, segment by segment from the end.
Rows, that is sequences by heads, are independent, so that the number of threads changes no digit.
"""

import numpy as np
import torch
from numba import njit
from torch.autograd.function import once_differentiable

from kernels.arguments import state_type
from kernels.rows import on_rows, row_table

SEGMENT = 32  # tokens whose memories the backward pass holds at once: they stay in a core's second cache
OPTIONS = {"nogil": True, "cache": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}


@njit(**OPTIONS)
def _forward_rows(q, k, v, beta, decay, states, out, rest, table, scale, kept):
    """Outputs, and r where it is kept, of some rows; `states` holds the starts and receives the ends.

    Rows of S go four at a time, so that r and an output are read and written once for four.
    """
    D, E = states.shape[2:]
    S, w, o = np.empty((D, E), states.dtype), np.empty(E, v.dtype), np.empty(E, v.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, h = table[row]
        S[:] = states[sequence, h]
        for t in range(start, stop):
            a, strength = decay[b, t, h], beta[b, t, h]
            for n in range(E):
                w[n] = 0
                o[n] = 0
            for m in range(0, D - 3, 4):
                k0, k1, k2, k3 = k[b, t, h, m], k[b, t, h, m + 1], k[b, t, h, m + 2], k[b, t, h, m + 3]
                for n in range(E):
                    w[n] += (k0 * S[m, n] + k1 * S[m + 1, n]) + (k2 * S[m + 2, n] + k3 * S[m + 3, n])
            for m in range(D - D % 4, D):
                k0 = k[b, t, h, m]
                for n in range(E):
                    w[n] += k0 * S[m, n]
            for n in range(E):
                w[n] = v[b, t, h, n] - a * w[n]
            if kept:
                for n in range(E):
                    rest[b, t, h, n] = w[n]
            for n in range(E):
                w[n] *= strength
            for m in range(0, D - 3, 4):
                q0, q1, q2, q3 = q[b, t, h, m], q[b, t, h, m + 1], q[b, t, h, m + 2], q[b, t, h, m + 3]
                k0, k1, k2, k3 = k[b, t, h, m], k[b, t, h, m + 1], k[b, t, h, m + 2], k[b, t, h, m + 3]
                for n in range(E):
                    s0 = a * S[m, n] + k0 * w[n]
                    s1 = a * S[m + 1, n] + k1 * w[n]
                    s2 = a * S[m + 2, n] + k2 * w[n]
                    s3 = a * S[m + 3, n] + k3 * w[n]
                    S[m, n] = s0
                    S[m + 1, n] = s1
                    S[m + 2, n] = s2
                    S[m + 3, n] = s3
                    o[n] += (q0 * s0 + q1 * s1) + (q2 * s2 + q3 * s3)
            for m in range(D - D % 4, D):
                q0, k0 = q[b, t, h, m], k[b, t, h, m]
                for n in range(E):
                    s0 = a * S[m, n] + k0 * w[n]
                    S[m, n] = s0
                    o[n] += q0 * s0
            for n in range(E):
                out[b, t, h, n] = scale * o[n]
        states[sequence, h] = S


@njit(**OPTIONS)
def _after(k, rest, beta, decay, b, t, h, w, S, S_new):
    """The memory after a token from that before it; w is overwritten."""
    D, E = S.shape
    a, strength = decay[b, t, h], beta[b, t, h]
    for n in range(E):
        w[n] = strength * rest[b, t, h, n]
    for m in range(D):
        k0 = k[b, t, h, m]
        for n in range(E):
            S_new[m, n] = a * S[m, n] + k0 * w[n]


@njit(**OPTIONS)
def _backward_rows(q, k, beta, decay, states, rest, d_out, adjoint, dq, dk, dv, d_beta, d_decay, table, scale):
    """Gradients of some rows; `adjoint` holds those of the ends and receives those of the starts.

    Args:
        states: memories before the first tokens.
    """
    D, E = states.shape[2:]
    w, d, e = np.empty(E, rest.dtype), np.empty(E, rest.dtype), np.empty(E, rest.dtype)
    G, inner = np.empty((D, E), states.dtype), np.empty((SEGMENT, D, E), states.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, h = table[row]
        segments = (stop - start + SEGMENT - 1) // SEGMENT
        starts = np.empty((segments, D, E), states.dtype)
        inner[0] = states[sequence, h]
        for t in range(start, stop):
            if (t - start) % SEGMENT == 0:
                starts[(t - start) // SEGMENT] = inner[0]
            _after(k, rest, beta, decay, b, t, h, w, inner[0], inner[0])
        G[:] = adjoint[sequence, h]
        for segment in range(segments - 1, -1, -1):
            first = start + segment * SEGMENT
            last = min(first + SEGMENT, stop)
            inner[0] = starts[segment]
            for t in range(first, last - 1):
                _after(k, rest, beta, decay, b, t, h, w, inner[t - first], inner[t - first + 1])
            for t in range(last - 1, first - 1, -1):
                S, a, strength = inner[t - first], decay[b, t, h], beta[b, t, h]
                along = scale * 0
                for n in range(E):
                    w[n] = strength * rest[b, t, h, n]
                    d[n] = scale * d_out[b, t, h, n]
                    along += w[n] * d[n]
                    e[n] = 0
                for m in range(D):
                    q0, k0 = q[b, t, h, m], k[b, t, h, m]
                    for n in range(E):
                        g = G[m, n] + q0 * d[n]
                        G[m, n] = g
                        e[n] += k0 * g
                d_log_decay = scale * 0
                for m in range(D):
                    back, into, out_of, old, through = (
                        strength * k[b, t, h, m],
                        scale * 0,
                        scale * 0,
                        scale * 0,
                        scale * 0,
                    )
                    for n in range(E):
                        s, g = S[m, n], G[m, n]
                        into += g * w[n]
                        old += s * e[n]
                        out_of += s * d[n]
                        g = a * (g - back * e[n])
                        through += s * g
                        G[m, n] = g
                    dk[b, t, h, m] = into - strength * a * old
                    dq[b, t, h, m] = a * out_of + k[b, t, h, m] * along
                    d_log_decay += through
                d_decay[b, t, h] = d_log_decay
                total = scale * 0
                for n in range(E):
                    total += rest[b, t, h, n] * e[n]
                    dv[b, t, h, n] = strength * e[n]
                d_beta[b, t, h] = total
        adjoint[sequence, h] = G


class _Compiled(torch.autograd.Function):
    """Keeps its inputs and r, which is as large as v."""

    @staticmethod
    def forward(ctx, q, k, v, beta, log_decay, state, scale, bounds, learning):
        x, y, z, strength, decay, start = _prepared(q, k, v, beta, log_decay, state)
        out, final = torch.empty_like(z), start.clone()
        rest = torch.empty_like(z) if learning else z[:0]
        arrays = [tensor.numpy() for tensor in (x, y, z, strength, decay, final, out, rest)]
        number = arrays[0].dtype.type(scale)
        table = row_table(*x.shape[:3], bounds)
        on_rows(lambda rows: _forward_rows(*arrays, rows, number, learning), table, 2 * x.numel() * z.shape[3])
        ctx.save_for_backward(q, k, v, beta, log_decay, state, rest)
        ctx.options = scale, table
        ctx.set_materialize_grads(False)
        return out.to(v.dtype), final

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, beta, log_decay, state, rest = ctx.saved_tensors
        scale, table = ctx.options
        x, y, z, strength, decay, start = _prepared(q, k, v, beta, log_decay, state)
        d_out = torch.zeros_like(z) if d_out is None else d_out.to(z.dtype).contiguous()
        adjoint = torch.zeros_like(start) if d_final is None else d_final.to(z.dtype, copy=True).contiguous()
        gradients = [torch.empty_like(value) for value in (x, y, z, strength, decay)]
        arrays = [value.numpy() for value in (x, y, strength, decay, start, rest, d_out, adjoint, *gradients)]
        number = arrays[0].dtype.type(scale)
        on_rows(lambda rows: _backward_rows(*arrays, rows, number), table, 8 * x.numel() * z.shape[3])
        like = (q, k, v, beta, log_decay, state)
        return *(g.to(value.dtype) for g, value in zip((*gradients, adjoint), like)), None, None, None


def _prepared(q, k, v, beta, log_decay, state):
    """Inputs, decays and memories in the type of the states, contiguous and without their graph."""
    kind = state_type(q.dtype)
    inputs = [value.detach().to(kind).contiguous() for value in (q, k, v, beta, log_decay, state)]
    inputs[4] = torch.exp(inputs[4])
    return inputs


def compiled_gated_delta_rule(q, k, v, beta, log_decay, state, scale, bounds):
    """Output and final memory; arguments as `gated_delta_rule` has checked them, on a CPU, with a token."""
    learning = torch.is_grad_enabled() and any(value.requires_grad for value in (q, k, v, beta, log_decay, state))
    return _Compiled.apply(q, k, v, beta, log_decay, state, scale, bounds, learning)
