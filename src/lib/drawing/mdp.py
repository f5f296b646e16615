"""How learners in decision processes look and what they are called, the same in all figures; means with intervals."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS
from lib.stats.intervals import estimate_mean

NAMES = {
    "luo": "entropy, older rates",
    "lb": "log-barrier",
    "mr": "magnitude reduction",
    "ewn": "entropy, plain estimates",
    "mr0": "no bonus",
    "uniform": "uniform actions",
    "inv": "regularised inverse",
    "mgr": "geometric resampling",
    "commit": "explore, then commit",
}
STYLES = {
    name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8], "ls": LINESTYLES[i % 8], "label": label}
    for i, (name, label) in enumerate(NAMES.items())
}


def draw_means(axis, x, values, **style) -> None:
    """Draw means over the first axis of `values` (n, points) with 95 % intervals."""
    mean, _, low, high, _ = estimate_mean(np.asarray(values, dtype=float))
    axis.errorbar(x, mean, [mean - low, high - mean], **style)
