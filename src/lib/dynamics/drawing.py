"""Drawing symbolic dynamics: traces coloured by symbol, transition graphs."""

import numpy as np

from lib.atlas.job.figure import COLOURS

SHADES = (COLOURS[0], COLOURS[4], COLOURS[1], COLOURS[2], COLOURS[7], COLOURS[3])


def coloured_trace(axis, t, x, code, symbol, offset=0.0) -> None:
    """A trace in grey with points in the colour of their symbol, most used symbols first."""
    axis.plot(t, x + offset, color="0.7", lw=0.5, zorder=1, rasterized=True)
    for r, s in enumerate(symbol[symbol >= 0][:6]):
        own = code == s
        axis.scatter(t[own], x[own] + offset, s=2.5, lw=0, color=SHADES[r], zorder=2, rasterized=True)


def draw_graph(axis, symbol, fraction, transition, places=None) -> None:
    """Draw a transition graph: nodes sized by occupancy, edges as wide as the probability of leaving along them.

    Args:
        axis: where to draw.
        symbol, fraction: of each node.
        transition: probabilities `(from, to)`.
        places: positions of the nodes; on a circle unless told.
    """
    k = len(symbol)
    if places is None:
        angle = np.pi / 2 + 2 * np.pi * np.arange(k) / max(k, 1)
        places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    leaving = transition * (1 - np.eye(k))
    largest = max(leaving.max(initial=0), 1e-12)
    for i in range(k):
        for j in range(k):
            p = leaving[i, j]
            if i == j or p <= 0:
                continue
            axis.annotate(
                "", places[j], places[i],
                arrowprops={
                    "arrowstyle": "-|>", "lw": 0.4 + 4.6 * p / largest, "color": "0.35" if p >= 0.002 else "0.75",
                    "connectionstyle": "arc3,rad=0.18", "shrinkA": 23, "shrinkB": 23, "mutation_scale": 10,
                    "linestyle": "-" if p >= 0.002 else ":",
                },
            )  # fmt: skip
            if p < 5e-4:
                continue
            across = places[j] - places[i]
            side = np.array([across[1], -across[0]]) / np.hypot(*across)
            at = places[i] + 0.42 * across + (0.09 * np.hypot(*across) + 0.1) * side
            axis.text(
                *at, f"{p:.2g}", ha="center", va="center", fontsize=7, zorder=2.5,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
            )  # fmt: skip
    for i in range(k):
        axis.plot(*places[i], "o", ms=42, mfc="#cfe6f5", mec="black", zorder=3)
        words = f"symbol {symbol[i]}\n{100 * fraction[i]:.1f} %\nstays {transition[i, i]:.3f}"
        axis.text(*places[i], words, ha="center", va="center", fontsize=6, zorder=4)
    middle, half = (places[:, 1].min() + places[:, 1].max()) / 2, 0.7 if k <= 2 else 1.45
    axis.set(xlim=(-1.75, 1.75), ylim=(middle - half, middle + half), xticks=[], yticks=[])
    axis.grid(False)
    for side in axis.spines.values():
        side.set_visible(False)


def middle_out(transition) -> np.ndarray | None:
    """Positions that put the best connected of three nodes between the other two; None for another number."""
    k = len(transition)
    if k == 2:
        return np.array([[-0.9, 0.0], [0.9, 0.0]])
    if k not in (3, 4):
        return None
    joint = transition + transition.T - 2 * np.diag(np.diag(transition))
    middle = int(np.argmax(joint[:3, :3].sum(1) - joint[:3, :3].max(1)))
    places = np.zeros((k, 2))
    left, right = [i for i in range(3) if i != middle]
    places[left], places[right], places[middle] = (-1.25, 0.0), (1.25, 0.0), (0.0, 0.0)
    if k == 4:
        places[3] = (0.0, -1.5)
    return places
