"""Figure: online episodes against 1 / eps on the rare branch, of elimination and of the design."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.guides import draw_power, tick_values
from lib.stats.intervals import estimate_mean

NAMES = {True: "offline and online data (FTPedel)", False: "online data alone (PEDEL)"}


def figure(requirements, tracking):
    """Return the figure: what the design asks for, and episodes of elimination with the same beta."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.7)
    inverse = 1 / requirements.eps.values
    for data, exponent, k in zip(requirements.data.values, (2, 1), (1, 0)):  # colours of the other panel
        samples = requirements.samples.sel(data=data).values
        left.plot(inverse, samples, color=COLOURS[k], marker=MARKERS[k], ls=LINESTYLES[k], mfc="white", label=data)
        draw_power(left, inverse, (inverse[-1], samples[-1]), exponent, f"slope {exponent}", **REFERENCE)
    left.set(title=f"design alone, beta = {requirements.attrs['beta']:g}", ylabel="online episodes of the design")
    for k, (offline, name) in enumerate(NAMES.items()):
        chosen = np.flatnonzero(tracking.offline.values == offline)
        x = 1 / tracking.eps.values[chosen]
        mean, _, low, high, _ = estimate_mean(tracking.episodes.values[chosen], axis=1)
        right.errorbar(
            x, mean, [mean - low, high - mean], color=COLOURS[k], marker=MARKERS[k], ls=LINESTYLES[k], label=name
        )
        right.plot(x, tracking.required.values[chosen], color=COLOURS[k], marker=MARKERS[k], mfc="white", ls=":",
                   label="the design's episodes")  # fmt: skip
    right.set(title="elimination, same beta", ylabel="online episodes")
    for axis, eps in ((left, requirements.eps.values), (right, tracking.eps.values)):
        axis.set(xscale="log", yscale="log", xlabel="1 / eps")
        tick_values(axis, 1 / eps)
        axis.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
