"""CPU time of a function over that of a peer."""

import time
from collections.abc import Callable

import numpy as np


def cpu_ratio(ours: Callable[[], object], peer: Callable[[], object], repeats: int = 5) -> float:
    """CPU time of `ours` over that of `peer`, each the shortest of several that take turns.

    Args:
        ours, peer: what is timed; a first call of each, which may compile, does not count for more than the others.
        repeats: calls of each after the first.
    """
    best = [np.inf, np.inf]
    for _ in range(repeats + 1):
        for i, function in enumerate((ours, peer)):
            start = time.process_time()
            function()
            best[i] = min(best[i], time.process_time() - start)
    return best[0] / best[1]
