"""Progress of long loops, written to a stage's log."""

import sys
import time
from collections.abc import Iterable, Iterator


def progress(items: Iterable, label: str, every: float = 5.0, total: int | None = None) -> Iterator:
    """Pass items through and say now and then how far the loop is.

    Args:
        items: what to loop over.
        label: what the items are ("trees", "steps").
        every: seconds between two lines.
        total: number of items where `len` does not tell.
    """
    if total is None:
        total = len(items) if hasattr(items, "__len__") else None
    start = last = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= every:
            last = now
            of = f"/{total} ({100 * count / total:.0f} %)" if total else ""
            left = f", about {(now - start) * (total - count) / count:.0f} s left" if total else ""
            print(f"{label}: {count}{of} after {now - start:.0f} s{left}", file=sys.stderr, flush=True)
