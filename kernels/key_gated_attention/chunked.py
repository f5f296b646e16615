"""Key-gated attention in blocks, in PyTorch: the blocks of gated linear attention, with the heads of a group as rows.

Keys, values, decays and states have an axis of length 1 where queries have the heads of their group, so that the
decays between two tokens are formed once for all of them.
"""

import torch
from torch import Tensor

from kernels.arguments import bounded_log_decay
from kernels.gated_linear_attention.chunked import TILE, _scores
from kernels.key_gated_attention.maps import key_maps


def chunked_key_gated_attention(
    q: Tensor, k: Tensor, v: Tensor, S: Tensor, form: str, damping: float, scale: float, size: int
) -> tuple[Tensor, Tensor]:
    """Outputs `[B,T,H,E]` and the state after the last token; arguments as `key_gated_attention` has checked them."""
    key, log_decay = key_maps(k, form, damping)
    query = torch.softmax(q, -1).unflatten(2, (k.shape[2], -1)).permute(0, 2, 3, 1, 4)  # groups, heads, tokens
    key, v, log_decay = (x.transpose(1, 2)[:, :, None] for x in (key, v, bounded_log_decay(log_decay, k.dtype)))
    T = query.shape[3]
    tile = min(TILE, size)
    size = min(-(-size // tile), -(-T // tile)) * tile
    pad = -T % size
    if pad:  # tokens without key and decay change nothing
        query, key, v, log_decay = (torch.nn.functional.pad(x, (0, 0, 0, pad)) for x in (query, key, v, log_decay))
    query, key, v, log_decay = (x.unflatten(3, (-1, size)) for x in (query, key, v, log_decay))
    sums = torch.cumsum(log_decay, -2, dtype=torch.float64)  # a difference of large sums would lose small decays
    inside = _scores(query, key, sums, tile) @ v
    from_memory = query * torch.exp(sums).to(k.dtype)
    into_memory = (key * torch.exp(sums[..., -1:, :] - sums).to(k.dtype)).mT
    fade = torch.exp(sums[..., -1, :]).to(k.dtype)[..., None]
    outputs, S = [], S[:, :, None]
    for within, read, write, value, decay in zip(*(x.unbind(3) for x in (inside, from_memory, into_memory, v, fade))):
        outputs.append(within + read @ S)
        S = decay * S + write @ value
    o = torch.cat(outputs, 3)[:, :, :, :T]
    return scale * o.permute(0, 3, 1, 2, 4).flatten(2, 3), S[:, :, 0]
