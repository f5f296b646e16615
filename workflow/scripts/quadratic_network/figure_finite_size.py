"""Figure: relative excess of message passing and of averaged gradient descent over the Bayes-optimal error."""

import xarray as xr

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.stats.intervals import standard_error


def _bars(axis, sizes, values, colour, marker, label):
    mean = [v.mean() for v in values]
    se = [standard_error(v) if len(v) > 1 else 0 for v in values]
    axis.errorbar(sizes, mean, se, fmt=marker + "-", color=colour, mfc="white", label=label)


def figure(amp_small, amp_clean, amp_large, gd: list):
    """Return the figure: message passing on the left, averaged gradient descent on the right."""
    fig, axes = new_figure(ncols=2, width=8.6, height=3.5)
    for i, alpha in enumerate(amp_small.alpha.values):
        runs = [run.sel(alpha=alpha) for run in (amp_small, amp_clean, amp_large) if alpha in run.alpha.values]
        excess = [(r.error.isel(iteration=-1) / r.bayes_error - 1).values for r in runs]
        _bars(axes[0], [r.d * 1.02**i for r in runs], excess, COLOURS[i], MARKERS[i], f"$\\alpha$ = {alpha:g}")
    averaged = xr.concat(gd, "teacher").isel(decay=0)
    for i, alpha in enumerate(averaged.alpha.values):
        at = averaged.sel(alpha=alpha)
        excess = [(at.error_limit / at.bayes_error - 1).values]
        _bars(axes[1], [gd[0].d * 1.02**i], excess, COLOURS[i], MARKERS[i], f"$\\alpha$ = {alpha:g}")
    for axis, title in zip(axes, ("GAMP-RIE", "gradient descent, averaged and de-biased")):
        axis.axhline(0, color="black", lw=0.8)
        axis.set(xlabel="dimension d", ylabel="relative excess over the Bayes-optimal error", title=title)
        axis.legend()
    axes[1].set_xlim(gd[0].d * 0.8, gd[0].d * 1.3)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
