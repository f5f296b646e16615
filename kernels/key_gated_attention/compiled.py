"""Key-gated attention token by token in compiled code: the form of a CPU.

Forwards S <- diag(a) S + key^T v once for a group, and o = scale query S for each of its heads. Backwards the same
memories come again for the gradients of the queries, scale S do; from the last token the adjoint gathers G <- G + scale
query^T do over the heads, d key = G v, dv = key G, G <- diag(a) G. The gradient of a log decay is the sum over this and
all later tokens of query d query - key d key, and S dS of the end; it is added up on the way, in float64, and joins
that of the feature in k.

Features and decays are computed by PyTorch before the loop, once for a group, because its exp and log work on several
channels at a time and those of a compiled loop do not. Rows, that is sequences by groups, are independent, so that the
number of threads changes no digit.
"""

import numpy as np
import torch
from numba import njit
from torch.autograd.function import once_differentiable

from kernels.arguments import bounded_log_decay, state_type
from kernels.key_gated_attention.maps import key_maps
from kernels.rows import on_rows, row_table

OPTIONS = {"nogil": True, "cache": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}


@njit(**OPTIONS)
def _forward_rows(query, key, v, decay, states, out, table, scale):
    """Outputs `[B, T, G, R, E]` of some rows; `states` holds the starts and receives the ends."""
    D, E = states.shape[2:]
    R = query.shape[3]
    S, o, w = np.empty((D, E), states.dtype), np.empty((R, E), v.dtype), np.empty(E, v.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, g = table[row]
        S[:] = states[sequence, g]
        for t in range(start, stop):
            for n in range(E):
                w[n] = v[b, t, g, n]
            for r in range(R):
                for n in range(E):
                    o[r, n] = 0
            for m in range(0, D - 3, 4):
                k0, k1, k2, k3 = key[b, t, g, m], key[b, t, g, m + 1], key[b, t, g, m + 2], key[b, t, g, m + 3]
                a0, a1, a2, a3 = decay[b, t, g, m], decay[b, t, g, m + 1], decay[b, t, g, m + 2], decay[b, t, g, m + 3]
                q0, q1 = query[b, t, g, 0, m], query[b, t, g, 0, m + 1]
                q2, q3 = query[b, t, g, 0, m + 2], query[b, t, g, 0, m + 3]
                for n in range(E):
                    s0 = a0 * S[m, n] + k0 * w[n]
                    s1 = a1 * S[m + 1, n] + k1 * w[n]
                    s2 = a2 * S[m + 2, n] + k2 * w[n]
                    s3 = a3 * S[m + 3, n] + k3 * w[n]
                    S[m, n] = s0
                    S[m + 1, n] = s1
                    S[m + 2, n] = s2
                    S[m + 3, n] = s3
                    o[0, n] += (q0 * s0 + q1 * s1) + (q2 * s2 + q3 * s3)
                for r in range(1, R):
                    q0, q1 = query[b, t, g, r, m], query[b, t, g, r, m + 1]
                    q2, q3 = query[b, t, g, r, m + 2], query[b, t, g, r, m + 3]
                    for n in range(E):
                        o[r, n] += (q0 * S[m, n] + q1 * S[m + 1, n]) + (q2 * S[m + 2, n] + q3 * S[m + 3, n])
            for m in range(D - D % 4, D):
                k0, a0 = key[b, t, g, m], decay[b, t, g, m]
                for n in range(E):
                    S[m, n] = a0 * S[m, n] + k0 * w[n]
                for r in range(R):
                    q0 = query[b, t, g, r, m]
                    for n in range(E):
                        o[r, n] += q0 * S[m, n]
            for r in range(R):
                for n in range(E):
                    out[b, t, g, r, n] = scale * o[r, n]
        states[sequence, g] = S


@njit(**OPTIONS)
def _query_rows(query, key, v, decay, states, d_out, dq, reads, table, scale):
    """Gradients of q of some rows, and feature times gradient summed over the heads; `states` holds the starts."""
    D, E = states.shape[2:]
    R = query.shape[3]
    S, d_query = np.empty((D, E), states.dtype), np.empty((R, D), states.dtype)
    for row in range(len(table)):
        b, start, stop, sequence, g = table[row]
        S[:] = states[sequence, g]
        for t in range(start, stop):
            for m in range(D):
                k0, a, total = key[b, t, g, m], decay[b, t, g, m], scale * 0
                for n in range(E):
                    s = a * S[m, n] + k0 * v[b, t, g, n]
                    S[m, n] = s
                    total += s * d_out[b, t, g, 0, n]
                d_query[0, m] = scale * total
                for r in range(1, R):
                    total = scale * 0
                    for n in range(E):
                        total += S[m, n] * d_out[b, t, g, r, n]
                    d_query[r, m] = scale * total
                reads[b, t, g, m] = 0
            for r in range(R):
                along = scale * 0
                for m in range(D):
                    along += query[b, t, g, r, m] * d_query[r, m]
                    reads[b, t, g, m] += query[b, t, g, r, m] * d_query[r, m]
                for m in range(D):
                    dq[b, t, g, r, m] = query[b, t, g, r, m] * (d_query[r, m] - along)


@njit(**OPTIONS)
def _key_rows(query, key, v, decay, slope, finals, adjoint, d_out, reads, dk, dv, table, scale, softmax):
    """Gradients of k and v of some rows; `adjoint` holds those of the ends and receives those of the starts."""
    D, E = adjoint.shape[2:]
    R = query.shape[3]
    G, total = np.empty((D, E), adjoint.dtype), np.empty(E, v.dtype)
    d_key, later = np.empty(D, v.dtype), np.empty(D)
    for row in range(len(table)):
        b, start, stop, sequence, g = table[row]
        G[:] = adjoint[sequence, g]
        for m in range(D):
            later[m] = 0
            for n in range(E):
                later[m] += finals[sequence, g, m, n] * G[m, n]
        for t in range(stop - 1, start - 1, -1):
            for n in range(E):
                total[n] = 0
            for m in range(D):
                for r in range(1, R):
                    q0 = scale * query[b, t, g, r, m]
                    for n in range(E):
                        G[m, n] += q0 * d_out[b, t, g, r, n]
                q0, k0, a, along = scale * query[b, t, g, 0, m], key[b, t, g, m], decay[b, t, g, m], scale * 0
                for n in range(E):
                    s = G[m, n] + q0 * d_out[b, t, g, 0, n]
                    along += s * v[b, t, g, n]
                    total[n] += k0 * s
                    G[m, n] = a * s
                d_key[m] = along
            along = scale * 0
            for m in range(D):
                along += key[b, t, g, m] * d_key[m]
            for m in range(D):
                k0 = key[b, t, g, m]
                later[m] += reads[b, t, g, m] - k0 * d_key[m]
                own = d_key[m] - along if softmax else (k0 - 1) * d_key[m]
                dk[b, t, g, m] = k0 * own + later[m] * slope[b, t, g, m]
            for n in range(E):
                dv[b, t, g, n] = total[n]
        adjoint[sequence, g] = G


class _Compiled(torch.autograd.Function):
    """Keeps its inputs, the features and decays, and the states at both ends."""

    @staticmethod
    def forward(ctx, q, k, v, state, form, damping, scale, bounds):
        kind, groups = state_type(q.dtype), k.shape[2]
        wide, z, start = (x.detach().to(kind).contiguous() for x in (k, v, state))
        query = torch.softmax(q.detach().to(kind), -1).contiguous().unflatten(2, (groups, -1))
        key, log_decay = key_maps(wide, form, damping)
        decay = torch.exp(bounded_log_decay(log_decay, kind))
        out, final = z.new_empty(*query.shape[:4], z.shape[3]), start.clone()
        arrays = [tensor.numpy() for tensor in (query, key, z, decay, final, out)]
        number, table = arrays[0].dtype.type(scale), row_table(*k.shape[:3], bounds)
        work = (key.numel() + query.numel()) * z.shape[3]
        on_rows(lambda rows: _forward_rows(*arrays, rows, number), table, work)
        ctx.save_for_backward(q, k, v, state, query, key, decay, final)
        ctx.options = form, damping, number, table, work
        ctx.set_materialize_grads(False)
        return out.flatten(2, 3).to(v.dtype), final

    @staticmethod
    @once_differentiable
    def backward(ctx, d_out, d_final):
        q, k, v, state, query, key, decay, final = ctx.saved_tensors
        form, damping, number, table, work = ctx.options
        wide, z, start = (x.detach().to(key.dtype).contiguous() for x in (k, v, state))
        shape = (*query.shape[:4], z.shape[3])
        d_out = z.new_zeros(shape) if d_out is None else d_out.to(z.dtype).reshape(shape).contiguous()
        d_final = torch.zeros_like(start) if d_final is None else d_final.to(z.dtype)
        adjoint = d_final.clone(memory_format=torch.contiguous_format)
        dq, dk, dv, reads = (torch.empty_like(value) for value in (query, key, z, key))
        slope = torch.sigmoid(-wide) / damping  # of the log decay
        forwards = [value.numpy() for value in (query, key, z, decay, start, d_out, dq, reads)]
        on_rows(lambda rows: _query_rows(*forwards, rows, number), table, work)
        backwards = (query, key, z, decay, slope, final, adjoint, d_out, reads, dk, dv)
        backwards = [value.numpy() for value in backwards]
        on_rows(lambda rows: _key_rows(*backwards, rows, number, form == "gla"), table, 2 * work)
        gradients = zip((dq.flatten(2, 3), dk, dv, adjoint), (q, k, v, state))
        return *(gradient.to(value.dtype) for gradient, value in gradients), None, None, None, None


def compiled_key_gated_attention(q, k, v, state, form, damping, scale, bounds):
    """Output and final state; arguments as `key_gated_attention` has checked them, on a CPU, with a token."""
    return _Compiled.apply(q, k, v, state, form, damping, scale, bounds)
