"""Figure: what weight decay and averaging do for gradient descent under noise."""

import numpy as np
import xarray as xr

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_means

# the authors' runs at kappa = 1/2, noise of deviation 1/4, d = 200, 64 starts, no decay: alpha, error of a run over
# that of the average, error of the average over the Bayes error
AUTHORS = np.array(
    [
        [0.05, 2.15, 1.04],
        [0.092, 2.08, 1.08],
        [0.13, 2.10, 1.04],
        [0.17, 1.86, 1.15],
        [0.21, 1.64, 1.18],
        [0.255, 1.38, 1.29],
        [0.296, 1.06, 1.54],
        [0.34, 1.05, 1.50],
        [0.38, 1.02, 1.48],
        [0.42, 1.00, 1.42],
    ]
)
THRESHOLD = 0.289  # the authors' alpha from which all starts end in one network


def _means(axis, alpha, values, **style) -> None:
    """Means over teachers, (teacher, alpha), with 95 % intervals where there are several."""
    if len(values) > 1:
        draw_means(axis, alpha, values, units=0, **style)
    else:
        axis.errorbar(alpha, values[0], **style)


def figure(gd: list):
    """Return the figure: averages by weight decay; what averaging gains, and what it leaves, without decay."""
    fig, axes = new_figure(ncols=2, width=9.2, height=3.9)
    runs = xr.concat(gd, "teacher").sel(dimension="main").transpose("teacher", "alpha", ...)
    alpha, bayes = runs.alpha.values, runs.bayes_error.values
    for i, decay in enumerate(runs.decay.values):
        style = {"color": COLOURS[i % 8], "ls": LINESTYLES[i % 8], "marker": MARKERS[i % 8], "mfc": "white"}
        shift = 0.004 * (i - (runs.sizes["decay"] - 1) / 2)
        _means(
            axes[0], alpha + shift, runs.error_limit.sel(decay=decay).values / bayes, label=f"decay {decay:g}", **style
        )
    passing = runs.amp_error.values / bayes
    axes[0].plot(alpha, np.nanmean(passing, axis=0), "x", color="black", ms=8, mew=2, label="GAMP-RIE, same labels")
    axes[0].axhline(1, label="Bayes-optimal", **REFERENCE)
    axes[0].set(ylabel="error of the average over the Bayes-optimal error", title=f"weight decays, d = {int(runs.d)}")

    free = runs.sel(decay=0)
    single, average = free.error_single.mean("initialisation").values, free.error_average.isel(averaged=-1).values
    for k, (values, name) in enumerate(
        [(single / average, "one run over the average"), (average / bayes, "average over Bayes-optimal")]
    ):
        _means(axes[1], alpha, values, color=COLOURS[k], marker=MARKERS[k], mfc="white", label=name)
        axes[1].plot(
            AUTHORS[:, 0], AUTHORS[:, k + 1], color=COLOURS[k], ls=":", label=None if k else "dotted: authors, d = 200"
        )
    axes[1].axvline(THRESHOLD, color="#777777", lw=1, label="authors' threshold")
    axes[1].axhline(1, **REFERENCE)
    axes[1].set(ylabel="ratio of errors", title="no weight decay", ylim=(0.9, None))
    for axis in axes:
        axis.set(xlabel="samples over $d^2$, $\\alpha$")
        axis.legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
