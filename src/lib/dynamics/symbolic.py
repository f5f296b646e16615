"""Symbolic dynamics of a code: occupancy, transitions, words, entropies."""

from typing import NamedTuple

import numpy as np
import xarray as xr


class Occupancy(NamedTuple):
    """Symbols in order of decreasing use, and the fraction of the time that each is used."""

    symbols: np.ndarray
    fraction: np.ndarray


def occupancy(code: np.ndarray) -> Occupancy:
    """Symbols of a code `(time,)` and how often they occur, the most frequent first (ties: smaller symbol first)."""
    symbols, counts = np.unique(code, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return Occupancy(symbols[order], counts[order] / len(code))


def regions_holding(fraction: np.ndarray, share: float = 0.95) -> int:
    """The fewest symbols that together hold at least `share` of the time; `fraction` is sorted downwards."""
    return int(np.searchsorted(np.cumsum(fraction), share - 1e-12) + 1)


def transition_matrix(code: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """T_ij = P(s_{t+1} = j | s_t = i) over the k given symbols; steps from or to another symbol do not count.

    Returns:
        `(k, k)`; a row without steps is zero.
    """
    order = np.argsort(symbols)
    ranked = np.clip(np.searchsorted(symbols, code, sorter=order), 0, len(symbols) - 1)
    index = order[ranked]
    known = symbols[index] == code
    both = known[:-1] & known[1:]
    k = len(symbols)
    counts = np.bincount(index[:-1][both] * k + index[1:][both], minlength=k * k).reshape(k, k).astype(float)
    total = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def reduced_graph(code: np.ndarray, least: float = 0.005, least_edge: float = 0.002) -> tuple[np.ndarray, np.ndarray]:
    """Symbols with occupancy >= `least`, and the 0/1 adjacency of transitions between them with P >= `least_edge`."""
    symbols, fraction = occupancy(code)
    symbols = symbols[fraction >= least]
    return symbols, (transition_matrix(code, symbols) >= least_edge).astype(np.uint8)


def graph_entropy(adjacency: np.ndarray) -> float:
    """Topological entropy of an order-1 graph: log of the spectral radius of its 0/1 adjacency; -inf without cycles."""
    radius = np.abs(np.linalg.eigvals(np.asarray(adjacency, float))).max(initial=0.0)
    return float(np.log(radius)) if radius > 1e-9 else float("-inf")


def run_length(code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The code without repetitions, and how long each symbol stayed; both empty for an empty code."""
    starts = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]])[: len(code)])
    return code[starts], np.diff(np.append(starts, len(code)))


def _named(ids: np.ndarray, largest: int) -> tuple[np.ndarray, int]:
    """Integers below `largest` named anew by 0, 1, ... in their order, and how many different ones there are."""
    if largest > 8 * len(ids):  # a table would be longer than sorting takes
        names, index = np.unique(ids, return_inverse=True)
        return index.astype(np.int64), len(names)
    present = np.bincount(ids, minlength=largest) > 0
    return (np.cumsum(present) - 1)[ids], int(present.sum())


def _word_ids(index: np.ndarray, longest: int):
    """For n = 1, 2, ..., `longest`: the word of length n that begins at every position, as an integer from 0 on."""
    base = int(index.max(initial=0)) + 1
    current, number = index.astype(np.int64), base
    for n in range(1, longest + 1):
        if n > 1:
            current, number = _named(current[:-1] * base + index[n - 1 :], number * base)
        yield n, current


def word_counts(
    code: np.ndarray, longest: int = 12, allowed: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """N(n): number of distinct words of length n = 1, ..., `longest` in a code `(time,)`.

    Args:
        code: symbols.
        longest: longest word.
        allowed: symbols and 0/1 adjacency; only words inside this graph count.

    Raises:
        ValueError: a code shorter than the longest word.
    """
    return _words(code, longest, allowed)[0]


def block_entropy(code: np.ndarray, longest: int = 12, least: float = 10.0) -> np.ndarray:
    """H_n = -sum p(w) log p(w) over words of length n = 1, ..., `longest`, in nats.

    NaN where there are fewer than `least` windows for each distinct word.

    Raises:
        ValueError: a code shorter than the longest word.
    """
    counts, entropy = _words(code, longest, None)
    windows = len(code) - np.arange(longest)
    return np.where(windows >= least * counts, entropy, np.nan)


def word_table(code: np.ndarray, graph: tuple[np.ndarray, np.ndarray], longest: int = 12) -> xr.Dataset:
    """Words of each length 1, ..., `longest` in a code `(time,)`.

    Args:
        code: symbols.
        graph: symbols and 0/1 adjacency of a transition graph.
        longest: longest word.

    Returns:
        Variables along `length`: `words`, distinct words; `kept_words`, those that are walks in the graph;
        `compressed_words`, of the code without repetitions, 0 where that is too short; `block_entropy`, in nats.

    Raises:
        ValueError: a code shorter than the longest word.
    """
    short, _ = run_length(code)
    reach = min(longest, len(short))
    return xr.Dataset(
        {
            "words": ("length", word_counts(code, longest)),
            "kept_words": ("length", word_counts(code, longest, graph)),
            "compressed_words": ("length", np.pad(word_counts(short, reach), (0, longest - reach))),
            "block_entropy": ("length", block_entropy(code, longest)),
        },
        coords={"length": np.arange(1, longest + 1)},
    )


def _words(code, longest, allowed):
    if len(code) < longest:
        raise ValueError(f"code: got {len(code)} symbols, expected at least {longest}")
    symbols, index = np.unique(code, return_inverse=True)
    valid = np.ones(len(code), bool)
    step = np.ones(len(code) - 1, bool)
    if allowed is not None:
        vertices, adjacency = allowed
        place = {int(s): i for i, s in enumerate(vertices)}
        local = np.array([place.get(int(s), -1) for s in symbols])[index]
        valid = local >= 0
        step = valid[:-1] & valid[1:] & (np.asarray(adjacency)[local[:-1], local[1:]] > 0)
    counts, entropy = np.zeros(longest, np.int64), np.zeros(longest)
    for n, ids in _word_ids(index, longest):
        if n > 1:
            valid = valid[:-1] & step[n - 2 :]
        number = np.bincount(ids[valid])
        number = number[number > 0]
        counts[n - 1] = len(number)
        p = number / max(number.sum(), 1)
        entropy[n - 1] = -np.sum(p * np.log(p))
    return counts, entropy


def growth_rate(counts: np.ndarray, first: int = 6) -> float:
    """Slope of log N(n) against n from n = `first` on, by least squares; NaN where fewer than two points are left."""
    n = np.arange(1, len(counts) + 1)
    usable = (n >= first) & (counts > 0)
    return float(np.polyfit(n[usable], np.log(counts[usable]), 1)[0]) if usable.sum() > 1 else float("nan")


def code_period(code: np.ndarray, longest: int) -> int:
    """The smallest p <= `longest` with s_{t+p} = s_t for all t; 0 when there is none.

    Raises:
        ValueError: a code shorter than twice the longest period, which could not show one.
    """
    if len(code) < 2 * longest:
        raise ValueError(f"code: got {len(code)} symbols, expected at least {2 * longest}")
    for p in range(1, longest + 1):
        if np.array_equal(code[p:], code[:-p]):
            return p
    return 0
