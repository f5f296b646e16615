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
    G = torch.cumsum(log_decay, -1)
    lower = torch.ones(size, size, dtype=torch.bool, device=q.device).tril()
    ratio = torch.exp((G[..., :, None] - G[..., None, :]).masked_fill(~lower, -torch.inf))
    system = (beta[..., None] * (k @ k.transpose(-1, -2)) * ratio).tril(-1)
    right = torch.cat((torch.exp(G)[..., None] * k, v), -1) * beta[..., None]
    W, U = torch.linalg.solve_triangular(system, right, upper=False, unitriangular=True).split(
        (k.shape[-1], v.shape[-1]), -1
    )
    scores = (q @ k.transpose(-1, -2)) * ratio
    from_memory = torch.exp(G)[..., None] * q
    into_memory = (torch.exp(G[..., -1:] - G)[..., None] * k).transpose(-1, -2)
    decay = torch.exp(G[..., -1])[..., None, None]
    outputs = []
    for c in range(q.shape[2]):
        writes = U[:, :, c] - W[:, :, c] @ S
        outputs.append(from_memory[:, :, c] @ S + scores[:, :, c] @ writes)
        S = decay[:, :, c] * S + into_memory[:, :, c] @ writes
    return scale * torch.cat(outputs, 2)[:, :, :T].transpose(1, 2), S
