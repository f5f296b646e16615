"""Where the vectors, sequences, segments and chunks lie that the Triton kernels of the Mamba-3 scan walk through."""

import itertools
from functools import lru_cache
from typing import NamedTuple

import torch

from kernels.packed import Segments, cut_segments


def halved(vectors: torch.Tensor) -> torch.Tensor:
    """`[...,N]` with the even components first, N made even by a zero."""
    if vectors.shape[-1] % 2:
        vectors = torch.nn.functional.pad(vectors, (0, 1))
    return vectors.unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)


def interleaved(vectors: torch.Tensor, size: int) -> torch.Tensor:
    """The first `size` components in their own order again, from what `halved` returns."""
    return vectors.unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2)[..., :size]


class Layout(NamedTuple):
    """Where sequences, their segments and their chunks lie; `filled` are the sequences that hold tokens.

    `chunk0` is the first chunk of each segment; `owner`, `first` and `last` are, for each chunk, its sequence and the
    first and last chunk of that; `start`, `end` and `final` are the first and last token and the last chunk of the
    filled sequences, and `inside` is false for their last token.
    """

    chunks: Segments
    segments: Segments
    chunk0: torch.Tensor
    owner: torch.Tensor
    first: torch.Tensor
    last: torch.Tensor
    filled: torch.Tensor
    start: torch.Tensor
    end: torch.Tensor
    final: torch.Tensor
    inside: torch.Tensor


@lru_cache(maxsize=16)
def lay_out(bounds: tuple[int, ...], per_chunk: int, length: int, device: torch.device) -> Layout:
    """Layout of sequences, cached so that a training step copies nothing to the GPU.

    Args:
        bounds: where sequences start, and the number of all tokens.
        per_chunk: tokens of a chunk.
        length: tokens of a segment, a multiple of `per_chunk`.
        device: of the tensors.
    """

    def integers(values):
        return torch.tensor(values, dtype=torch.int64, device=device)

    pairs = list(itertools.pairwise(bounds))
    counts = [-(-(stop - start) // per_chunk) for start, stop in pairs]
    offsets = [0, *itertools.accumulate(counts)]
    chunk0 = [
        offsets[i] + begin // per_chunk
        for i, (start, stop) in enumerate(pairs)
        for begin in range(0, stop - start, length)
    ]
    owner = integers([i for i, count in enumerate(counts) for _ in range(count)])
    filled = [i for i, count in enumerate(counts) if count]
    start, end = integers([pairs[i][0] for i in filled]), integers([pairs[i][1] - 1 for i in filled])
    final = integers([offsets[i + 1] - 1 for i in filled])
    inside = torch.ones(bounds[-1], 1, dtype=torch.bool, device=device)
    inside[end] = False
    offsets = integers(offsets)
    return Layout(
        cut_segments(1, bounds[-1], bounds, per_chunk, device),
        cut_segments(1, bounds[-1], bounds, length, device),
        integers(chunk0),
        owner,
        offsets[owner],
        offsets[owner + 1] - 1,
        integers(filled),
        start,
        end,
        final,
        inside,
    )
