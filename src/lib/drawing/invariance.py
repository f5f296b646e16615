"""Transitions of exact invariance, one line for each model."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS


def draw_transition(axis, store, case: str) -> None:
    """Draw the worst share violated against the number of interventions, with a dotted line at each model's rank.

    Args:
        axis: where to draw.
        store: `worst (case, sem, number)` and `rank (case, sem)`.
        case: which.
    """
    one = store.sel(case=case)
    for t in range(one.sizes["sem"]):
        style = {"color": COLOURS[t % len(COLOURS)], "marker": MARKERS[t % len(MARKERS)], "ls": LINESTYLES[t % 4]}
        shift = 0.06 * (t - (one.sizes["sem"] - 1) / 2)  # lines that coincide stay visible
        axis.plot(one.number + shift, one.worst.isel(sem=t), label=f"model {t + 1}", **style)
        axis.axvline(float(one["rank"].isel(sem=t)) + shift, color=style["color"], ls=":", lw=0.8)
    last = int(one.number.values[np.isfinite(one.worst).any("sem").values].max())
    axis.set(xlim=(0.5, last + 0.5), ylim=(-0.05, 1.1), title=case, xlabel="training interventions m")
    axis.set_xticks(range(1, last + 1))
