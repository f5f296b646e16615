"""Figure: relative excess of message passing and of averaged gradient descent over the Bayes-optimal error."""

import numpy as np
import xarray as xr
from matplotlib.ticker import NullFormatter

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_pass_band, tick_at
from lib.stats.intervals import estimate_mean

# the authors' averages of 64 runs at alpha = 0.205 over the Bayes error, de-biased by us
AUTHORS = {100: 1.20, 200: 1.10}
ALPHAS = (0.1, 0.2, 0.3)


def _draw(axis, index, sizes, excesses, label) -> None:
    """Means over teachers with 95 % intervals, dimension by dimension, beside those of the other alphas."""
    known = [values[np.isfinite(values)] for values in excesses]
    sizes, known = zip(*[(size, values) for size, values in zip(sizes, known) if len(values)] or [((), ())])
    middle = [values.mean() for values in known]
    ends = [estimate_mean(v)[2:4] if len(v) > 1 else (m, m) for v, m in zip(known, middle)]
    bars = [(m - low, high - m) for m, (low, high) in zip(middle, ends)]
    style = {"fmt": MARKERS[index] + "-", "color": COLOURS[index], "mfc": "white", "label": label}
    axis.errorbar(np.multiply(sizes, 1.03 ** (index - 1)), middle, np.transpose(bars), **style)


def figure(amp_small, amp_clean, amp_large, gd: list):
    """Return the figure: message passing on the left, averaged gradient descent on the right."""
    fig, axes = new_figure(ncols=2, width=8.6, height=3.7, sharex=True, sharey=True)
    passing = sorted((amp_small, amp_clean, amp_large), key=lambda run: run.d)
    averaged = xr.concat(gd, "teacher").isel(decay=0)
    descents = [averaged.sel(dimension=name) for name in averaged.dimension.values]
    for index, alpha in enumerate(ALPHAS):
        label = f"$\\alpha$ = {alpha:g}"
        for axis, runs, values in (
            (axes[0], passing, lambda run: run.error.isel(iteration=-1)),
            (axes[1], descents, lambda run: run.error_limit),
        ):
            at = [run.sel(alpha=alpha) for run in runs if alpha in run.alpha.values]
            excesses = [(values(run) / run.bayes_error - 1).values for run in at]
            _draw(axis, index, [int(run.d) for run in at], excesses, label)
    axes[1].plot(
        list(AUTHORS),
        np.array(list(AUTHORS.values())) - 1,
        "*",
        color=COLOURS[1],
        ms=10,
        label="authors, $\\alpha$ = 0.205",
    )
    draw_pass_band(axes[0], -0.05, 0.12, "pass rule at d = 100")
    draw_pass_band(axes[1], -0.05, 0.25, "pass rule at d = 100")
    sizes = sorted({int(run.d) for run in passing + descents} | set(AUTHORS))
    for axis, title in zip(axes, ("GAMP-RIE", "gradient descent, averaged and de-biased")):
        axis.axhline(0, color="black", lw=0.8)
        axis.set(xscale="log", xlabel="dimension d", title=title)
        axis.xaxis.set_minor_formatter(NullFormatter())
        tick_at(axis, sizes)
        axis.legend()
    axes[0].set_ylabel("relative excess over the Bayes-optimal error")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
