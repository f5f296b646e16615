"""Rows of compiled scans: a sequence and a head, independent of all others, so that threads change no digit."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch

LEAST_SHARE = 2**22  # multiplications of a thread, below which another thread costs more than it brings


def row_table(batch: int, tokens: int, heads: int, bounds: tuple[int, ...] | None) -> np.ndarray:
    """Rows `(line of the batch, first token, end, sequence, head)`.

    Args:
        batch, tokens, heads: of the inputs.
        bounds: of packed sequences, or None.
    """
    spans = [(b, 0, tokens, b) for b in range(batch)]
    if bounds is not None:
        spans = [(0, start, stop, i) for i, (start, stop) in enumerate(itertools.pairwise(bounds))]
    return np.array([(*span, head) for span in spans for head in range(heads)], dtype=np.int64)


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count)


def on_rows(scan: Callable[[np.ndarray], None], table: np.ndarray, multiplications: int) -> None:
    """Call a scan on the table, or on its parts in several threads where the work is worth it.

    Args:
        scan: takes some rows of the table; holds no lock.
        table: of `row_table`.
        multiplications: of all rows together.
    """
    shares = max(1, min(torch.get_num_threads(), len(table), multiplications // LEAST_SHARE))
    if shares == 1:
        scan(table)
    else:
        list(_threads(shares).map(scan, np.array_split(table, shares)))
