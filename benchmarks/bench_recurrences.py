"""Each sequence operator on a CPU over a plain recurrence in Numba: one thread, CPU time, calls that take turns.

The peers are the formulas as one would write them in a compiled loop; their backward passes keep the states of all
tokens. What is prepared for a scan (decays; rotated vectors, token weights and the gate of Mamba-3) is the same for
both sides.
"""

from unittest import mock

import numpy as np
import torch
from numba import njit

from kernels.gated_delta import gated_delta_rule
from kernels.gated_linear_attention import gated_linear_attention
from kernels.linear_attention import linear_attention
from kernels.mamba3 import mamba3_scan
from lib.bench.mamba3 import scan_inputs
from lib.bench.ratios import cpu_ratio

HEADS, WIDTH = 4, 64
LENGTHS = (1024, 4096, 16384)
LONGEST_KEPT = 4096  # tokens whose states the peers keep for their backward passes


@njit(fastmath=True)
def attention(q, k, v, decay, out):
    """Forward: S = a S + k^T v, o = q S."""
    T, H, D = q.shape
    E = v.shape[2]
    S = np.empty((D, E), q.dtype)
    for h in range(H):
        S[:] = 0
        for t in range(T):
            o = out[t, h]
            o[:] = 0
            for i in range(D):
                for j in range(E):
                    S[i, j] = decay[t, h] * S[i, j] + k[t, h, i] * v[t, h, j]
                    o[j] += q[t, h, i] * S[i, j]


@njit(fastmath=True)
def attention_back(q, k, v, decay, d_out, dq, dk, dv, d_decay):
    """Backward, with all states."""
    T, H, D = q.shape
    E = v.shape[2]
    states = np.empty((T + 1, D, E), q.dtype)
    G = np.empty((D, E), q.dtype)
    for h in range(H):
        states[0] = 0
        for t in range(T):
            for i in range(D):
                for j in range(E):
                    states[t + 1, i, j] = decay[t, h] * states[t, i, j] + k[t, h, i] * v[t, h, j]
        G[:] = 0
        for t in range(T - 1, -1, -1):
            dv[t, h] = 0
            total = q.dtype.type(0)
            for i in range(D):
                along, into = q.dtype.type(0), q.dtype.type(0)
                for j in range(E):
                    g = G[i, j] + q[t, h, i] * d_out[t, h, j]
                    along += states[t + 1, i, j] * d_out[t, h, j]
                    into += g * v[t, h, j]
                    dv[t, h, j] += k[t, h, i] * g
                    total += g * states[t, i, j]
                    G[i, j] = decay[t, h] * g
                dq[t, h, i], dk[t, h, i] = along, into
            d_decay[t, h] = total


@njit(fastmath=True)
def gated(q, k, v, decay, out):
    """Forward: S = diag(a) S + k^T v, o = q S."""
    T, H, D = q.shape
    E = v.shape[2]
    S = np.empty((D, E), q.dtype)
    for h in range(H):
        S[:] = 0
        for t in range(T):
            o = out[t, h]
            o[:] = 0
            for i in range(D):
                for j in range(E):
                    S[i, j] = decay[t, h, i] * S[i, j] + k[t, h, i] * v[t, h, j]
                    o[j] += q[t, h, i] * S[i, j]


@njit(fastmath=True)
def gated_back(q, k, v, decay, d_out, dq, dk, dv, d_decay):
    """Backward, with all states."""
    T, H, D = q.shape
    E = v.shape[2]
    states = np.empty((T + 1, D, E), q.dtype)
    G = np.empty((D, E), q.dtype)
    for h in range(H):
        states[0] = 0
        for t in range(T):
            for i in range(D):
                for j in range(E):
                    states[t + 1, i, j] = decay[t, h, i] * states[t, i, j] + k[t, h, i] * v[t, h, j]
        G[:] = 0
        for t in range(T - 1, -1, -1):
            dv[t, h] = 0
            for i in range(D):
                along, into, fade = q.dtype.type(0), q.dtype.type(0), q.dtype.type(0)
                for j in range(E):
                    g = G[i, j] + q[t, h, i] * d_out[t, h, j]
                    along += states[t + 1, i, j] * d_out[t, h, j]
                    into += g * v[t, h, j]
                    dv[t, h, j] += k[t, h, i] * g
                    fade += g * states[t, i, j]
                    G[i, j] = decay[t, h, i] * g
                dq[t, h, i], dk[t, h, i], d_decay[t, h, i] = along, into, fade


@njit(fastmath=True)
def delta(q, k, v, beta, decay, out):
    """Forward: S = a S, then S += k^T beta (v - k S), o = q S."""
    T, H, D = q.shape
    E = v.shape[2]
    S, write = np.empty((D, E), q.dtype), np.empty(E, q.dtype)
    for h in range(H):
        S[:] = 0
        for t in range(T):
            write[:] = v[t, h]
            for i in range(D):
                for j in range(E):
                    S[i, j] *= decay[t, h]
                    write[j] -= k[t, h, i] * S[i, j]
            o = out[t, h]
            o[:] = 0
            for i in range(D):
                for j in range(E):
                    S[i, j] += k[t, h, i] * beta[t, h] * write[j]
                    o[j] += q[t, h, i] * S[i, j]


@njit(fastmath=True)
def delta_back(q, k, v, beta, decay, d_out, dq, dk, dv, d_beta, d_decay):
    """Backward, with all memories."""
    T, H, D = q.shape
    E = v.shape[2]
    states, rest = np.empty((T + 1, D, E), q.dtype), np.empty((T, E), q.dtype)
    G, e = np.empty((D, E), q.dtype), np.empty(E, q.dtype)
    for h in range(H):
        states[0] = 0
        for t in range(T):
            rest[t] = v[t, h]
            for i in range(D):
                for j in range(E):
                    rest[t, j] -= decay[t, h] * k[t, h, i] * states[t, i, j]
            for i in range(D):
                for j in range(E):
                    states[t + 1, i, j] = decay[t, h] * states[t, i, j] + k[t, h, i] * beta[t, h] * rest[t, j]
        G[:] = 0
        for t in range(T - 1, -1, -1):
            e[:] = 0
            for i in range(D):
                along = q.dtype.type(0)
                for j in range(E):
                    G[i, j] += q[t, h, i] * d_out[t, h, j]
                    along += states[t + 1, i, j] * d_out[t, h, j]
                    e[j] += k[t, h, i] * G[i, j]
                dq[t, h, i] = along
            total, strength = q.dtype.type(0), q.dtype.type(0)
            for i in range(D):
                into = q.dtype.type(0)
                for j in range(E):
                    into += beta[t, h] * (G[i, j] * rest[t, j] - decay[t, h] * states[t, i, j] * e[j])
                    g = G[i, j] - beta[t, h] * k[t, h, i] * e[j]
                    total += g * states[t, i, j]
                    G[i, j] = decay[t, h] * g
                dk[t, h, i] = into
            for j in range(E):
                dv[t, h, j] = beta[t, h] * e[j]
                strength += rest[t, j] * e[j]
            d_beta[t, h], d_decay[t, h] = strength, total


def arrays(*tensors: torch.Tensor) -> list[np.ndarray]:
    """`[1, T, H, ...]` as contiguous `(T, H, ...)`."""
    return [np.ascontiguousarray(tensor.detach()[0].numpy()) for tensor in tensors]


def recurrence(inputs) -> tuple:
    """`delta` where there are betas, `gated` where every channel has a decay, else `attention`; and the way back."""
    if len(inputs) == 5:
        return delta, delta_back
    return (gated, gated_back) if inputs[3].ndim == inputs[0].ndim else (attention, attention_back)


class Peer(torch.autograd.Function):
    """A recurrence and its backward pass."""

    @staticmethod
    def forward(ctx, *inputs):
        *others, log_decay = inputs
        taken = arrays(*others, torch.exp(log_decay))
        out = np.empty_like(taken[2])
        recurrence(taken)[0](*taken, out)
        ctx.taken = taken
        return torch.from_numpy(out)[None]

    @staticmethod
    def backward(ctx, d_out):
        gradients = [np.empty_like(value) for value in ctx.taken]
        recurrence(ctx.taken)[1](*ctx.taken, *arrays(d_out), *gradients)
        gradients[-1] *= ctx.taken[-1]
        return tuple(torch.from_numpy(value)[None] for value in gradients)


def peer_in_scan(q, k, v, log_decay, **options) -> tuple[torch.Tensor, torch.Tensor]:
    """What the scan of Mamba-3 calls in place of `linear_attention`; the final state is not compared."""
    return Peer.apply(q, k, v, log_decay), q.new_zeros(1, q.shape[2], q.shape[3], v.shape[3])


def report(name: str, tokens: int, ours, peer, inputs) -> None:
    """Print the ratios of one operator at one length, and check that the two agree."""
    gradient = torch.ones_like(ours(*inputs))

    def forward(function):
        with torch.no_grad():
            return function(*inputs)

    def both(function):
        return torch.autograd.grad(function(*inputs), inputs, gradient)

    torch.testing.assert_close(forward(ours), forward(peer), rtol=1e-2, atol=1e-2)
    line = f"{name:16} T = {tokens:5}: forward {cpu_ratio(lambda: forward(ours), lambda: forward(peer)):.2f}"
    if tokens <= LONGEST_KEPT:
        for first, second in zip(both(ours), both(peer)):
            torch.testing.assert_close(first, second, rtol=1e-2, atol=1e-2 * float(second.abs().max()))
        line += f", forward and backward {cpu_ratio(lambda: both(ours), lambda: both(peer)):.2f}"
    print(line, flush=True)


def main() -> None:
    """Print the ratios; below 1 the project's operator is faster."""
    torch.set_num_threads(1)
    for tokens in LENGTHS:
        source = torch.Generator().manual_seed(0)
        q, k, v = (torch.randn((1, tokens, HEADS, WIDTH), generator=source) for _ in range(3))
        k = torch.nn.functional.normalize(k, dim=-1)
        beta, rate = (torch.rand((1, tokens, HEADS), generator=source) for _ in range(2))
        q, k, v, beta, log_decay = (value.requires_grad_() for value in (q, k, v, beta, -0.1 * rate))
        ours = lambda *inputs: linear_attention(*inputs)[0]  # noqa: E731
        report("linear attention", tokens, ours, Peer.apply, (q, k, v, log_decay))
        channels = (-0.1 * torch.rand((1, tokens, HEADS, WIDTH), generator=source)).requires_grad_()
        ours = lambda *inputs: gated_linear_attention(*inputs)[0]  # noqa: E731
        report("gated attention", tokens, ours, Peer.apply, (q, k, v, channels))
        ours = lambda *inputs: gated_delta_rule(*inputs)[0]  # noqa: E731
        report("gated delta rule", tokens, ours, Peer.apply, (q, k, v, beta, log_decay))
        leaves, constants = scan_inputs((1, HEADS, tokens, WIDTH), 1, WIDTH, torch.float32, "cpu")

        def scan(C, B, x, dt, trap, angles, z, constants=constants):
            return mamba3_scan(C, B, x, -dt, dt, trap, angles, z=z, **constants)[0]

        def with_peer(*inputs, scan=scan):
            with mock.patch("kernels.mamba3.chunked.linear_attention", peer_in_scan):
                return scan(*inputs)

        report("Mamba-3", tokens, scan, with_peer, leaves)


if __name__ == "__main__":
    main()
