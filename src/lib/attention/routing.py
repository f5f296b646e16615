"""Routing of tokens to memories: the choice, its balance, and tokens sorted by memory.

Axes are `(models, batch, T, ...)`; every model of a stack routes for itself.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def topk_router(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k memories of each token with the largest probabilities, and their probabilities over the sum of these.

    Args:
        logits: `(..., M)`.
        k: memories of a token.

    Returns:
        weights and indices, `(..., k)`; the softmax is computed in float32 (float64 for float64 logits).

    Raises:
        ValueError: k is not between 1 and M.

    Source: Du et al. 2025, sec. 3.
    """
    if not 1 <= k <= logits.shape[-1]:
        raise ValueError(f"k: got {k}, expected 1 to the {logits.shape[-1]} memories")
    wide = logits if logits.dtype == torch.float64 else logits.float()
    largest, index = torch.softmax(wide, -1).topk(k, -1)
    return largest / largest.sum(-1, keepdim=True), index


def load_balance_loss(logits: list[Tensor], k: int) -> Tensor:
    """M sum_m f_m P_m of each model, `(models,)`: k where the load is even.

    f_m is the share of tokens that choose memory m, P_m its mean probability, over the tokens of all layers.

    Args:
        logits: of the layers, each `(models, batch, T, M)`.
        k: memories of a token.

    Raises:
        ValueError: no logits.

    Source: Du et al. 2025, authors' code; Fedus et al. 2022.
    """
    if not logits:
        raise ValueError("logits: got none, expected those of at least one layer")
    wide = torch.cat([part.flatten(1, 2) for part in logits], 1)
    probability = torch.softmax(wide if wide.dtype == torch.float64 else wide.float(), -1)
    chosen = torch.zeros_like(probability).scatter_(-1, probability.topk(k, -1)[1], 1.0)
    return logits[0].shape[-1] * (chosen.mean(1) * probability.mean(1)).sum(-1)


def memory_load(index: Tensor, memories: int) -> Tensor:
    """Share of tokens that each memory receives, `(models, M)`; the shares of a model sum to k.

    Args:
        index: memories of the tokens, `(models, batch, T, k)`.
        memories: their number M.
    """
    flat = index.flatten(1)
    counts = torch.zeros(len(flat), memories, dtype=torch.float64, device=index.device)
    return counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.float64)) / (flat.shape[1] / index.shape[-1])


class Packing(NamedTuple):
    """Tokens sorted by sequence and memory, and in each memory by time.

    `order` `(N,)` holds places in the flattened `(models, batch, T, k)`, `place` its inverse, `bounds` the offsets
    `(models * batch * M + 1,)` of the memories' sequences, of which some may be empty.
    """

    order: Tensor
    place: Tensor
    bounds: Tensor


def pack_by_memory(index: Tensor, memories: int) -> Packing:
    """Sort tokens by memory, so that one call on packed sequences updates all memories.

    Args:
        index: memories of the tokens, `(models, batch, T, k)`.
        memories: their number M.

    Raises:
        ValueError: nothing to sort.
    """
    if index.numel() == 0:
        raise ValueError(f"index: got the shape {tuple(index.shape)}, expected at least one token")
    models, batch = index.shape[:2]
    sequence = torch.arange(models * batch, device=index.device).view(models, batch, 1, 1)
    key = (sequence * memories + index).flatten()
    order = torch.sort(key, stable=True)[1]
    place = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    counts = torch.bincount(key, minlength=models * batch * memories)
    return Packing(order, place, torch.nn.functional.pad(counts.cumsum(0), (1, 0)))


def unpack(values: Tensor, packing: Packing, shape: tuple[int, ...]) -> Tensor:
    """Rows `(N, ...)` in the order of the packing as `(models, batch, T, k, ...)`; sums over k are then in one order.

    Args:
        values: rows.
        packing: of `pack_by_memory`.
        shape: `(models, batch, T, k)`.
    """
    return values[packing.place].view(*shape, *values.shape[1:])
