"""Nets of sparse parameters: a cubic grid in the ball of each support."""

import math
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lib.progress import progress

CACHED = 50_000  # products that are made at once, so that they stay in the processor's cache


class SparseNet(NamedTuple):
    """A net of the s-sparse vectors of the unit ball of R^d: point (c, g) is `grid[g]` on coordinates `supports[c]`.

    Args:
        supports: (C, s) coordinates, ascending.
        grid: (G, s) points, the same for each support.
    """

    supports: np.ndarray
    grid: np.ndarray


class RankedNet(NamedTuple):
    """The largest value that each point of a net gives an action, and that action.

    Args:
        net: the net.
        score: (C, G) max_a <a, theta>.
        action: (C, G) index of the first action that attains it.
    """

    net: SparseNet
    score: np.ndarray
    action: np.ndarray


def _largest_square(s: int, eps: float) -> int:
    """Largest |z|^2 of an integer point z for which h z has norm at most 1 + eps, h = 2 eps / sqrt(s); exact."""
    width = Fraction(str(eps))
    return math.floor(s * (1 + width) ** 2 / (4 * width**2))


def _check(d: int, s: int, eps: float) -> None:
    if not (1 <= s <= d and 0 < eps < 1):
        raise ValueError(f"d, s, eps: got {d}, {s} and {eps}, expected 1 <= s <= d and 0 < eps < 1")


def sparse_net(d: int, s: int, eps: float) -> SparseNet:
    """Grid of spacing 2 eps / sqrt(s) on each support; every s-sparse vector of the unit ball is within eps of a point.

    Half the diagonal of a cell is eps, so points up to norm 1 + eps are kept: those near the sphere need them.

    Args:
        d, s: dimension and sparsity.
        eps: radius of the net.

    Raises:
        ValueError: sizes that do not fit.
    """
    _check(d, s, eps)
    largest = _largest_square(s, eps)
    side = np.arange(-math.isqrt(largest), math.isqrt(largest) + 1)
    points = np.stack(np.meshgrid(*[side] * s, indexing="ij"), axis=-1).reshape(-1, s)
    points = points[np.sum(points**2, axis=1) <= largest]
    return SparseNet(np.array(list(combinations(range(d), s))), points * (2 * eps / np.sqrt(s)))


def log_net_size(d: int, s: int, eps: float) -> float:
    """Natural logarithm of the number of points of `sparse_net`, counted without making them.

    Integer points are counted by their squared norms, one coordinate after another, with a common factor taken out at
    each step, so that hundreds of dimensions (s = d: the dense net) do not overflow.

    Args:
        d, s: dimension and sparsity; s up to a few hundred.
        eps: radius of the net.

    Raises:
        ValueError: sizes that do not fit.
    """
    _check(d, s, eps)
    largest = _largest_square(s, eps)
    counts = np.zeros(largest + 1)
    counts[0], scale = 1.0, 0.0
    for _ in range(s):
        longer = counts.copy()
        for k in range(1, math.isqrt(largest) + 1):
            longer[k * k :] += 2 * counts[: largest + 1 - k * k]
        peak = longer.max()
        counts, scale = longer / peak, scale + math.log(peak)
    return math.log(counts.sum()) + scale + math.log(math.comb(d, s))


def net_size(d: int, s: int, eps: float) -> int:
    """Number of points of `sparse_net`, counted without making them; for sparsities up to about ten.

    Raises:
        ValueError: sizes that do not fit.
    """
    _check(d, s, eps)
    largest = _largest_square(s, eps)
    counts = np.zeros(largest + 1, dtype=object)
    counts[0] = 1
    for _ in range(s):
        longer = counts.copy()
        for k in range(1, math.isqrt(largest) + 1):
            longer[k * k :] += 2 * counts[: largest + 1 - k * k]
        counts = longer
    return math.comb(d, s) * int(counts.sum())


def best_actions(columns, grid) -> tuple[np.ndarray, np.ndarray]:
    """Largest entry of each row of `grid @ columns.T`, and the first action that attains it.

    Args:
        columns: (N, s) of the actions.
        grid: (G, s).

    Returns:
        Values (G,) and actions (G,).
    """
    score, action = np.zeros(len(grid)), np.zeros(len(grid), dtype=np.int64)
    block = max(1, CACHED // len(columns))
    for start in range(0, len(grid), block):
        part = slice(start, start + block)
        values = grid[part] @ columns.T
        action[part] = values.argmax(axis=1)
        score[part] = np.take_along_axis(values, action[part, None], axis=1)[:, 0]
    return score, action


def _best_actions_on(device: str, columns, grid, block: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """`best_actions` by torch, in blocks of grid points; the N x G matrix never exists as a whole."""
    import torch

    columns = torch.as_tensor(columns, dtype=torch.float32, device=device)
    values, rows = [], []
    for part in torch.as_tensor(grid, dtype=torch.float32, device=device).split(block):
        value, row = (columns @ part.T).max(dim=0)
        values.append(value.cpu().numpy())
        rows.append(row.cpu().numpy())
    return np.concatenate(values), np.concatenate(rows)


def rank_net(actions, net: SparseNet, device: str = "cpu", checkpoint=None) -> RankedNet:
    """Score every point of a net by its best action, one support after another.

    Only the s columns of a support are multiplied: C G N s operations. On a CUDA device in float32, else in float64.

    Args:
        actions: (N, d).
        net: of dimension d.
        device: `cpu` or `cuda`.
        checkpoint: where finished supports are saved from time to time, as a stage receives it; or None.

    Raises:
        ValueError: actions of another dimension than the net's supports ask for.
    """
    actions = np.asarray(actions, dtype=float)
    supports, grid = net
    if actions.ndim != 2 or actions.shape[1] <= supports.max():
        raise ValueError(f"actions: got shape {actions.shape}, expected (N, d) with d > {supports.max()}")
    state = checkpoint.load() if checkpoint is not None else None
    if state is None:
        kind = np.float32 if device == "cuda" else float
        shape = len(supports), len(grid)
        state = {"score": np.zeros(shape, kind), "action": np.zeros(shape, np.int32), "start": 0}
    score, action = state["score"], state["action"]
    for c in progress(range(int(state["start"]), len(supports)), "supports"):
        columns = actions[:, supports[c]]
        score[c], action[c] = (
            _best_actions_on(device, columns, grid) if device == "cuda" else best_actions(columns, grid)
        )
        if checkpoint is not None:
            checkpoint.save_if_due(lambda: {"score": score, "action": action, "start": c + 1})  # noqa: B023
    return RankedNet(net, score, action)
