"""Plain forms of causal linear attention with a decay by head: what the block form is compared with.

All take q, k `[B, T, H, D]`, v `[B, T, H, E]` and a log decay `[H]`, and return `[B, T, H, E]`.
"""

import torch
from numba import njit

from kernels.linear_attention import linear_attention


def decay_mask(log_decay: torch.Tensor, tokens: int) -> torch.Tensor:
    """M[h, t, u] = exp((t - u) log_decay_h) for t >= u, 0 elsewhere: `(H, T, T)`."""
    place = torch.arange(tokens, device=log_decay.device, dtype=log_decay.dtype)
    distance = place[:, None] - place[None, :]
    return torch.exp(log_decay[:, None, None] * distance.clamp_min(0)).tril_()


def quadratic_attention(q, k, v, log_decay) -> torch.Tensor:
    """O = (Q K^T * M) V with the whole mask M: T^2 time and memory; autograd keeps the T x T products."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return ((q @ k.mT * decay_mask(log_decay, q.shape[2])) @ v).transpose(1, 2)


def tiled_quadratic_attention(q, k, v, log_decay, tile: int = 256) -> torch.Tensor:
    """The same product tile by tile over the queries: T^2 time, memory linear in T (Lightning Attention-1).

    Off the diagonal the mask is an outer product of decays from and to the tile's start, so it is never formed there.
    """
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    tokens, out = q.shape[2], []
    inside = decay_mask(log_decay, min(tile, tokens))
    rate = log_decay[:, None, None]
    place = torch.arange(tokens, device=q.device, dtype=log_decay.dtype)[:, None]
    for start in range(0, tokens, tile):
        stop = min(start + tile, tokens)
        here = slice(start, stop)
        mask = inside[:, : stop - start, : stop - start]
        o = (q[:, :, here] @ k[:, :, here].mT * mask) @ v[:, :, here]
        if start:
            left = q[:, :, here] * torch.exp(rate * (place[here] - start)).to(q.dtype)
            right = k[:, :, :start] * torch.exp(rate * (start - place[:start])).to(k.dtype)
            o = o + (left @ right.mT) @ v[:, :, :start]
        out.append(o)
    return torch.cat(out, 2).transpose(1, 2)


def recurrent_attention(q, k, v, log_decay) -> torch.Tensor:
    """Token by token: compiled on a CPU, in the type of the inputs; one Triton kernel on CUDA, without gradients."""
    if not q.is_cuda:
        return linear_attention(q, k, v, log_decay, backend="compiled")[0]
    from kernels.linear_attention.fused_recurrent import fused_recurrence

    return fused_recurrence(q, k, v, log_decay)


@njit(nogil=True, cache=True)
def _run(states, decay):
    """Running sums along T of `[B, T, H, D, E]`, in place."""
    B, T, H, D, E = states.shape
    for b in range(B):
        for t in range(1, T):
            for h in range(H):
                for d in range(D):
                    for e in range(E):
                        states[b, t, h, d, e] += decay[h] * states[b, t - 1, h, d, e]


def cumsum_attention(q, k, v, log_decay) -> torch.Tensor:
    """All states S_t side by side as `[B, T, H, D, E]`, then o_t = q_t S_t: D times the memory of the inputs.

    Without gradients and on a CPU the running sum is compiled; elsewhere it takes log2 T sums of whole tensors.
    """
    states = k.unsqueeze(-1) * v.unsqueeze(-2)
    if not q.is_cuda and not states.requires_grad:
        _run(states.numpy(), torch.exp(log_decay).numpy())
        return (q.unsqueeze(-2) @ states).squeeze(-2)
    decay, reach = log_decay[:, None, None], 1
    while reach < states.shape[1]:  # sums over 1, 2, 4, ... tokens up to each one
        earlier = torch.exp(reach * decay).to(states.dtype) * states[:, :-reach]
        states = torch.cat((states[:, :reach], states[:, reach:] + earlier), 1)
        reach *= 2
    return (q.unsqueeze(-2) @ states).squeeze(-2)
