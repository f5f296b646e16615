"""The gated delta rule in chunks, in PyTorch."""

import torch
from torch import Tensor


def chunked_gated_delta_rule(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, log_decay: Tensor, S: Tensor, scale: float, size: int
) -> tuple[Tensor, Tensor]:
    """Outputs `[B,T,H,E]` and the memory after the last token; arguments as `gated_delta_rule` has checked them.

    The writes of a chunk solve a unit lower triangular system; the memory passes from chunk to chunk.
    """
    q, k, v, beta, log_decay = (x.transpose(1, 2) for x in (q, k, v, beta, log_decay))  # heads before tokens
    T = q.shape[2]
    size = min(size, T)
    pad = -T % size
    if pad:  # tokens with k = 0, beta = 0 and no decay change nothing
        q, k, v = (torch.nn.functional.pad(x, (0, 0, 0, pad)) for x in (q, k, v))
        beta, log_decay = (torch.nn.functional.pad(x, (0, pad)) for x in (beta, log_decay))
    q, k, v, beta, log_decay = (x.unflatten(2, (-1, size)) for x in (q, k, v, beta, log_decay))
    sums = torch.cumsum(log_decay, -1, dtype=torch.float64)  # a difference of large sums would lose small decays
    from_start, to_end = torch.exp(sums.to(q.dtype)), torch.exp((sums[..., -1:] - sums).to(q.dtype))
    lower = torch.ones(size, size, dtype=torch.bool, device=q.device).tril()
    ratio = torch.exp((sums[..., :, None] - sums[..., None, :]).masked_fill(~lower, -torch.inf).to(q.dtype))
    system = (beta[..., None] * (k @ k.transpose(-1, -2)) * ratio).tril(-1)
    right = torch.cat((from_start[..., None] * k, v), -1) * beta[..., None]
    W, U = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True).split(
        (k.shape[-1], v.shape[-1]), -1
    )
    scores = (q @ k.transpose(-1, -2)) * ratio
    from_memory = from_start[..., None] * q
    into_memory = (to_end[..., None] * k).transpose(-1, -2)
    decay = from_start[..., -1, None, None]
    outputs = []
    chunks = (x.unbind(2) for x in (U, W, from_memory, scores, decay, into_memory))  # the gradient of a slice is whole
    for u, w, read, score, fade, key in zip(*chunks):
        writes = u - w @ S
        outputs.append(read @ S + score @ writes)
        S = fade * S + key @ writes
    return scale * torch.cat(outputs, 2)[:, :, :T].transpose(1, 2), S
