"""Drawings of symbolic dynamics: traces coloured by symbol, transition graphs."""

import numpy as np

from lib.atlas.job.figure import COLOURS

SHADES = (COLOURS[0], COLOURS[4], COLOURS[1], COLOURS[2], COLOURS[7], COLOURS[3])


def coloured_trace(axis, t, x, code, symbols, offset=0.0) -> None:
    """Draw a trace in grey, with points in the colours of the six most used symbols.

    Args:
        axis: where to draw.
        t, x: times and values `(time,)`.
        code: symbol of each time `(time,)`.
        symbols: all symbols, most used first; -1 fills blanks.
        offset: added to the values.
    """
    axis.plot(t, x + offset, color="0.7", lw=0.5, zorder=1, rasterized=True)
    for shade, symbol in zip(SHADES, symbols[symbols >= 0]):
        own = code == symbol
        axis.scatter(t[own], x[own] + offset, s=2.5, lw=0, color=shade, zorder=2, rasterized=True)


def draw_transition_graph(axis, names, fraction, transition, positions=None) -> None:
    """Draw a transition graph: edges as wide as the probability of leaving along them, dotted below 0.002.

    Args:
        axis: where to draw.
        names, fraction: number or name of each of the k linear regions, and the fraction of the time spent in it.
        transition: probabilities `(from, to)`.
        positions: of the nodes, `(k, 2)`; by default on a circle.
    """
    k = len(names)
    if positions is None:
        angle = np.pi / 2 + 2 * np.pi * np.arange(k) / max(k, 1)
        positions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    leaving = transition * (1 - np.eye(k))
    largest = max(leaving.max(initial=0), 1e-12)
    for i, j in np.argwhere(leaving > 0):
        _draw_edge(axis, positions[i], positions[j], leaving[i, j], 0.4 + 4.6 * leaving[i, j] / largest)
    for i in range(k):
        axis.plot(*positions[i], "o", ms=42, mfc="#cfe6f5", mec="black", zorder=3)
        text = f"region {names[i]}\n{100 * fraction[i]:.1f} %\nstays {transition[i, i]:.3f}"
        axis.text(*positions[i], text, ha="center", va="center", fontsize=6, zorder=4)
    middle, half = (positions[:, 1].min() + positions[:, 1].max()) / 2, 0.7 if k <= 2 else 1.45
    axis.set(xlim=(-1.75, 1.75), ylim=(middle - half, middle + half), xticks=[], yticks=[])
    axis.grid(False)
    for side in axis.spines.values():
        side.set_visible(False)


def _draw_edge(axis, start, end, p, width) -> None:
    rare = p < 0.002
    style = {
        "arrowstyle": "-|>",
        "lw": width,
        "color": "0.75" if rare else "0.35",
        "connectionstyle": "arc3,rad=0.18",
        "shrinkA": 23,
        "shrinkB": 23,
        "mutation_scale": 10,
        "linestyle": ":" if rare else "-",
    }
    axis.annotate("", end, start, arrowprops=style)
    if p < 5e-4:
        return
    across = end - start
    side = np.array([across[1], -across[0]]) / np.hypot(*across)
    at = start + 0.42 * across + (0.09 * np.hypot(*across) + 0.1) * side
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
    axis.text(*at, f"{p:.2g}", ha="center", va="center", fontsize=7, zorder=2.5, bbox=box)


def chain_layout(transition) -> np.ndarray | None:
    """Positions `(k, 2)` in a row, with the best connected of the first three nodes in the middle and a fourth below.

    Args:
        transition: probabilities `(from, to)` of k nodes.

    Returns:
        None unless k is 2, 3 or 4.
    """
    k = len(transition)
    if k == 2:
        return np.array([[-0.9, 0.0], [0.9, 0.0]])
    if k not in (3, 4):
        return None
    joint = transition + transition.T - 2 * np.diag(np.diag(transition))
    middle = int(np.argmax(joint[:3, :3].sum(1) - joint[:3, :3].max(1)))
    left, right = (i for i in range(3) if i != middle)
    positions = np.zeros((k, 2))
    positions[left], positions[right] = (-1.25, 0.0), (1.25, 0.0)
    positions[3:] = (0.0, -1.5)
    return positions
