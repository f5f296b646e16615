"""Gated linear attention in blocks, in PyTorch.

With G the running sum of the log decays in a block, o_i = (q_i exp(G_i)) S + sum_{j <= i} (sum_d q_id k_jd
exp(G_id - G_jd)) v_j. The factors exp(G_i) and exp(-G_j) of that weight overflow for strong decays, so a block is cut
into tiles: keys of earlier tiles meet the queries of a tile by way of the sum before that tile, where both exponents
are at most 0, and inside a tile the weights are formed one by one.
"""

import torch
from torch import Tensor

TILE = 16


def chunked_gated_linear_attention(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, S: Tensor, scale: float, size: int
) -> tuple[Tensor, Tensor]:
    """Outputs `[B,T,H,E]` and the state after the last token; arguments as `gated_linear_attention` checked them."""
    q, k, v, log_decay = (x.transpose(1, 2) for x in (q, k, v, log_decay))  # heads before tokens
    T = q.shape[2]
    tile = min(TILE, size)
    size = min(-(-size // tile), -(-T // tile)) * tile
    pad = -T % size
    if pad:  # tokens with k = 0 and no decay change nothing
        q, k, v, log_decay = (torch.nn.functional.pad(x, (0, 0, 0, pad)) for x in (q, k, v, log_decay))
    q, k, v, log_decay = (x.unflatten(2, (-1, size)) for x in (q, k, v, log_decay))
    sums = torch.cumsum(log_decay, -2, dtype=torch.float64)  # a difference of large sums would lose small decays
    kind = q.dtype
    scores = _scores(q, k, sums, tile)
    inside = scores @ v
    from_memory = q * torch.exp(sums).to(kind)
    into_memory = (k * torch.exp(sums[..., -1:, :] - sums).to(kind)).mT
    fade = torch.exp(sums[..., -1, :]).to(kind)[..., None]
    outputs = []
    chunks = (x.unbind(2) for x in (inside, from_memory, into_memory, v, fade))  # the gradient of a slice is whole
    for within, read, write, value, decay in zip(*chunks):
        outputs.append(within + read @ S)
        S = decay * S + write @ value
    return scale * torch.cat(outputs, 2)[:, :, :T].transpose(1, 2), S


def _scores(q: Tensor, k: Tensor, sums: Tensor, tile: int) -> Tensor:
    """Weights `[..., C, C]` of a block's values, 0 above the diagonal."""
    size, kind = q.shape[-2], q.dtype
    lower = torch.ones(tile, tile, dtype=torch.bool, device=q.device).tril()[..., None]
    rows = []
    for start in range(0, size, tile):
        now = slice(start, start + tile)
        query, key, at = q[..., now, :], k[..., now, :], sums[..., now, :]
        ratio = (at[..., :, None, :] - at[..., None, :, :]).masked_fill(~lower, -torch.inf).to(kind)
        parts = [torch.einsum("...id,...jd,...ijd->...ij", query, key, torch.exp(ratio))]
        if start:
            before = sums[..., start - 1 : start, :]
            earlier = k[..., :start, :] * torch.exp(before - sums[..., :start, :]).to(kind)
            parts.insert(0, (query * torch.exp(at - before).to(kind)) @ earlier.mT)
        if start + tile < size:
            parts.append(query.new_zeros(*query.shape[:-1], size - start - tile))
        rows.append(torch.cat(parts, -1))
    return torch.cat(rows, -2)
