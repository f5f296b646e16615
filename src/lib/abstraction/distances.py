"""Whether a layer keeps inputs apart: repeated hidden states, and the smallest distances by kind of pair."""

import numpy as np


def duplicates(states: np.ndarray) -> int:
    """Number of rows `(n, d)` that repeat an earlier row exactly."""
    return len(states) - len(np.unique(states, axis=0))


def smallest_distances(
    states: np.ndarray, masks: dict[str, tuple[np.ndarray, bool]], compared: int | None = None, part: int = 200
) -> dict[str, float]:
    """Smallest Euclidean distance over pairs of rows, all and by kind; float64.

    Args:
        states: `(n, d)`.
        masks: by name a group number of each row `(n,)`, and whether pairs of one group (True) or of two count.
        compared: the first so many rows are compared with all others; None: all rows.
        part: rows that are compared at once.

    Returns:
        Distances by name, `all` among them; infinite where there is no such pair.
    """
    from scipy.spatial.distance import cdist

    states = np.asarray(states, float)
    smallest = dict.fromkeys(["all", *masks], np.inf)
    last = len(states) if compared is None else min(compared, len(states))
    for start in range(0, last, part):
        rows = slice(start, min(start + part, last))
        distance = cdist(states[rows], states[start:], "sqeuclidean")
        distance[np.tri(*distance.shape, dtype=bool)] = np.inf  # a pair once, and no row with itself
        smallest["all"] = min(smallest["all"], distance.min())
        for name, (group, alike) in masks.items():
            same = group[rows, None] == group[None, start:]
            smallest[name] = min(smallest[name], distance.min(where=same if alike else ~same, initial=np.inf))
    return {name: float(np.sqrt(value)) for name, value in smallest.items()}


def closest_pair(states: np.ndarray, part: int = 1024, candidates: int = 64) -> tuple[float, int, int]:
    """The closest two rows of wide states: their distance and indices.

    Pairs are ranked by products of matrices, which lose digits of small differences; the closest by that measure, and
    all that lie within its error, are measured again directly.

    Args:
        states: `(n, d)`.
        part: rows that are compared with all at once.
        candidates: pairs of each part that are measured directly at least.
    """
    states = np.asarray(states, float)
    states = states - states.mean(0)
    single = states.astype(np.float32)
    squares = np.einsum("ij,ij->i", single, single)
    error = 8 * float(squares.max()) * np.finfo(np.float32).eps * np.sqrt(states.shape[1])
    best = (np.inf, -1, -1)
    for start in range(0, len(states), part):
        stop = min(start + part, len(states))
        rough = squares[start:stop, None] + squares[None, start:] - 2 * single[start:stop] @ single[start:].T
        rough[np.tri(*rough.shape, dtype=bool)] = np.inf
        flat = rough.ravel()
        if not np.isfinite(flat).any():
            continue
        bound = max(
            float(flat.min()) + 2 * error,
            np.partition(flat, min(candidates, flat.size - 1))[min(candidates, flat.size - 1)],
        )
        rows, columns = np.nonzero(rough <= bound)
        for first in range(0, len(rows), 100_000):
            i, j = rows[first : first + 100_000] + start, columns[first : first + 100_000] + start
            distance = np.linalg.norm(states[i] - states[j], axis=1)
            distance[i == j] = np.inf
            k = int(distance.argmin())
            if distance[k] < best[0]:
                best = (float(distance[k]), int(i[k]), int(j[k]))
    return best
