"""Causal softmax attention over the last few keys, in time linear in the number of tokens."""

import torch
from torch import Tensor
from torch.nn import functional

from kernels.arguments import check_sequences, check_shape

LEAST_BLOCK = 32  # queries that share one slice of keys: shorter blocks are all overhead


def window_attention(
    q: Tensor, k: Tensor, v: Tensor, window: int, *, scale: float | None = None, valid: Tensor | None = None
) -> Tensor:
    """Softmax attention of each token over the last `window` keys, its own included: time O(T window).

    Queries go in blocks that read one slice of keys each, so that no T x T scores are formed.

    Args:
        q: rotated queries, `[B, T, H, D]`.
        k, v: `[B, S, G, D]` with S of at least T; the last T keys are those of the queries, the others come before.
            Each of the G groups serves H / G consecutive heads.
        window: keys that a query sees.
        scale: factor of the scores; 1 / sqrt(D) when None.
        valid: `[B, S]`, False at padded keys; a query always sees its own key. None where there is no padding.

    Returns:
        `[B, T, H, D]` in the type of `v`.

    Raises:
        ValueError: a window below 1, or shapes that do not fit.
    """
    if window < 1:
        raise ValueError(f"window: got {window}, expected at least 1")
    check_sequences("q", q)
    check_sequences("k", k)
    batch, tokens, heads, width = q.shape
    keys, groups = k.shape[1:3]
    if len(k) != batch or keys < tokens or k.shape[3] != width or heads % groups:
        raise ValueError(f"k shape: got {tuple(k.shape)}, expected keys of all queries and groups of {tuple(q.shape)}")
    check_shape("v", v, (*k.shape[:3], v.shape[-1]))
    if valid is not None:
        check_shape("valid", valid, (batch, keys))
    scale = width**-0.5 if scale is None else scale
    earlier = min(keys - tokens, window - 1)  # keys before the first query that it may see
    start = keys - tokens - earlier
    k, v, valid = k[:, start:], v[:, start:], None if valid is None else valid[:, start:]
    if window >= tokens + earlier and not earlier and valid is None:
        return _grouped(q, k, v, scale=scale, is_causal=True)
    return _blocks(q, k, v, window, scale, valid, earlier)


def _grouped(q, k, v, **options):
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    attend = functional.scaled_dot_product_attention
    return attend(q, k, v, enable_gqa=q.shape[1] != k.shape[1], **options).transpose(1, 2)


def _blocks(q, k, v, window, scale, valid, earlier):
    """Blocks of c queries on c + window - 1 keys; `[B, N, G, R c, D]` has the R heads of a group one after another."""
    batch, tokens, heads, width = q.shape
    groups = k.shape[2]
    window = min(window, tokens + earlier)
    block = min(max(window, LEAST_BLOCK), tokens)
    count = -(-tokens // block)
    rest = count * block - tokens
    front = window - 1 - earlier  # places before the first key
    k, v = (_slices(functional.pad(x, (0, 0, 0, 0, front, rest)), block, window).transpose(2, 3) for x in (k, v))
    q = functional.pad(q, (0, 0, 0, 0, 0, rest)).view(batch, count, block, groups, heads // groups, width)
    q = q.permute(0, 1, 3, 4, 2, 5).reshape(batch, count, groups, -1, width) * scale
    scores = (q @ k.mT).unflatten(3, (-1, block))
    scores = scores.masked_fill(~_visible(batch, tokens, block, count, window, front, valid, q.device), -torch.inf)
    o = torch.softmax(scores, -1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(v.dtype)
    o = (o.flatten(3, 4) @ v).unflatten(3, (-1, block))
    return o.permute(0, 1, 4, 2, 3, 5).reshape(batch, count * block, heads, -1)[:, :tokens]


def _slices(x, block, window):
    """`[B, window - 1 + N c, ...]` as N slices of c + window - 1 places that overlap, `[B, N, c + window - 1, ...]`.

    The window is at most a block where there are several, so that a slice reads the end of one block and all of the
    next; the gradient of two views is cheaper than that of `unfold`.
    """
    if x.shape[1] == block + window - 1:
        return x[:, None]
    behind, own = x[:, : x.shape[1] - window + 1], x[:, window - 1 :]
    behind, own = (part.unflatten(1, (-1, block)) for part in (behind, own))
    return torch.cat((behind[:, :, : window - 1], own), 2)


def _visible(batch, tokens, block, count, window, front, valid, device):
    """Which keys of its slice a query sees: `[B or 1, N, 1, 1, c, span]`."""
    place = torch.arange(block + window - 1, device=device)
    behind = torch.arange(block, device=device)[:, None] + window - 1 - place  # tokens between query and key
    near = (behind >= 0) & (behind < window)
    first = torch.arange(count, device=device)[:, None] * block + place >= front  # the key is there: `[N, span]`
    seen = (near & first[:, None])[None]
    if valid is not None:
        rest = count * block - tokens
        there = _slices(functional.pad(valid, (front, rest)), block, window)[:, :, None]
        seen = seen & (there | (behind == 0))
    return seen[:, :, None, None]


def window_attention_step(
    q: Tensor, k: Tensor, v: Tensor, *, scale: float | None = None, valid: Tensor | None = None
) -> Tensor:
    """Softmax attention of one token over all keys that are passed, in any order.

    Args:
        q: `[B, 1, H, D]`.
        k, v: `[B, S, G, D]`.
        scale: factor of the scores; 1 / sqrt(D) when None.
        valid: `[B, S]`, False at keys that are not seen; None where all are.
    """
    mask = None if valid is None else valid[:, None, None]
    return _grouped(q, k, v, scale=scale, attn_mask=mask)
