"""How the methods of private regression look and what they are called, the same in all figures."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE
from lib.stats.intervals import estimate_mean

NAMES = {
    "classical": "closed form, classical noise",
    "public": "public features",
    "tight": "closed form, tight noise",
    "pure": "closed form, pure",
    "ours": "hard thresholding, our constants",
    "l1": "hard thresholding, l1 ball",
    "paper": "hard thresholding, paper's constants",
    "one_round": "one round",
}
STYLES = {
    name: {
        "color": COLOURS[i % len(COLOURS)],
        "marker": MARKERS[i % len(MARKERS)],
        "ls": LINESTYLES[i % 4],
        "label": words,
    }
    for i, (name, words) in enumerate(NAMES.items())
}


def draw_means(axis, x, values, **style) -> None:
    """Draw means over seeds with 95 % intervals.

    Args:
        axis: where to draw.
        x: (P,) positions, in any order.
        values: (P, seeds).
        style: options of `Axes.errorbar`.
    """
    order = np.argsort(x)
    mean, _, low, high, _ = estimate_mean(np.asarray(values), axis=1)
    axis.errorbar(np.asarray(x)[order], mean[order], [(mean - low)[order], (high - mean)[order]], **style)


def draw_guide(axis, x, start: float, exponent: float, label: str) -> None:
    """Draw a power law through the first point, in grey."""
    x = np.array([np.min(x), np.max(x)], float)
    axis.plot(x, start * (x / x[0]) ** exponent, label=label, **REFERENCE)
