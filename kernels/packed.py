"""Several sequences packed into one row of tokens: their bounds, their cuts into segments, and a scan of each."""

import functools
import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


def sequence_bounds(cu_seqlens, batch: int, tokens: int) -> tuple[int, ...] | None:
    """Bounds of packed sequences as integers; None where nothing is packed.

    Args:
        cu_seqlens: offsets `[N + 1]` of N sequences, integers from 0 to the number of tokens, or None.
        batch, tokens: of the inputs.

    Raises:
        ValueError: a batch other than 1, offsets that are not a list of integers, do not start at 0, do not end at
            `tokens`, or fall.
    """
    if cu_seqlens is None:
        return None
    offsets = torch.as_tensor(cu_seqlens)
    bounds = tuple(offsets.flatten().tolist())
    whole = offsets.ndim == 1 and not offsets.is_floating_point() and len(bounds) > 1
    if not whole or bounds[0] != 0 or bounds[-1] != tokens or any(b < a for a, b in itertools.pairwise(bounds)):
        raise ValueError(f"cu_seqlens: got {offsets.tolist()}, expected integers that rise from 0 to {tokens} tokens")
    if batch != 1:
        raise ValueError(f"cu_seqlens: got a batch of {batch}, expected packed sequences in a batch of 1")
    return bounds


def sequence_count(bounds: tuple[int, ...] | None, batch: int) -> int:
    """Number of sequences, packed or not."""
    return batch if bounds is None else len(bounds) - 1


def scan_each(scan: Callable, bounds: tuple[int, ...], state) -> tuple[Tensor, Tensor]:
    """Scan packed sequences one after the other; one without tokens keeps its state.

    Args:
        scan: takes the slice of a sequence's tokens and its state, returns its output `[1, t, ...]` and its new state.
        bounds: from `sequence_bounds`, with at least one token.
        state: a tensor, or a named tuple of tensors, with one row for each sequence.

    Returns:
        Outputs of all sequences side by side, and their states.
    """
    outputs, ends = [], []
    for i, (start, stop) in enumerate(itertools.pairwise(bounds)):
        end = state[i : i + 1] if isinstance(state, Tensor) else type(state)(*(part[i : i + 1] for part in state))
        if start < stop:
            output, end = scan(slice(start, stop), end)
            outputs.append(output)
        ends.append(end)
    joined = torch.cat(ends) if isinstance(state, Tensor) else type(state)(*map(torch.cat, zip(*ends)))
    return torch.cat(outputs, 1), joined


class Segments(NamedTuple):
    """Cuts of all sequences, int32 tensors `(segments,)`, and the first segment of each sequence, `(N + 1,)`.

    `rows` is the line of the batch, `owners` the sequence; `first` and `last` mark the ends of sequences.
    """

    begins: Tensor
    ends: Tensor
    rows: Tensor
    owners: Tensor
    first: Tensor
    last: Tensor
    bounds: Tensor
    several: bool


def segment_length(tokens: int, programs: int, processors: int, block: int) -> int:
    """Tokens of a segment: long sequences are cut until two programs wait for each processor, not below 256 tokens.

    Args:
        tokens: of the longest sequence.
        programs: of one launch without cuts.
        processors: of the device.
        block: the segment is a multiple of it.
    """
    segments = max(1, min(math.ceil(2 * processors / programs), tokens // 256))
    return math.ceil(math.ceil(tokens / segments) / block) * block


@functools.lru_cache(maxsize=64)
def cut_segments(batch: int, tokens: int, bounds: tuple[int, ...] | None, length: int, device) -> Segments:
    """Segments of at most `length` tokens of a batch, or of packed sequences."""
    sequences = [(b, 0, tokens) for b in range(batch)]
    if bounds is not None:
        sequences = [(0, start, stop) for start, stop in itertools.pairwise(bounds)]
    table, starts = [], [0]
    for owner, (row, start, stop) in enumerate(sequences):
        for begin in range(start, stop, length):
            end = min(begin + length, stop)
            table.append((begin, end, row, owner, int(begin == start), int(end == stop)))
        starts.append(len(table))
    columns = torch.tensor(table, dtype=torch.int32, device=device).T.contiguous()
    several = any(b - a > 1 for a, b in itertools.pairwise(starts))
    return Segments(*columns, torch.tensor(starts, dtype=torch.int32, device=device), several)
