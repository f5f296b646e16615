"""Figure: all estimators against alpha on a logarithmic axis, from n = O(d) to the recovery threshold."""

import numpy as np
import xarray as xr

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.drawing.ranges import tick_at
from lib.linalg.random_matrix import mmse
from lib.stats.intervals import standard_error

NAMES = {
    "identity": "identity",
    "min_norm": "minimum norm",
    "ridge": "ridge (held-out penalty)",
    "spectral": "one spectral step",
    "linear_regression": "least squares on (1, x)",
    "constant": "constant",
}


def figure(baselines, amp, gd: list, theory):
    """Return the figure; bars are standard errors over teachers."""
    fig, axis = new_figure(width=7.2, height=4.6)
    alpha = np.geomspace(baselines.alpha.min().item(), 0.375, 100)
    axis.plot(alpha, mmse(alpha, theory.noisy_kappa)[0], color="black", label="Bayes-optimal error")
    axis.plot(alpha, 1 - 2 * alpha, label="$1 - 2\\alpha$", **REFERENCE)
    for i, (method, label) in enumerate(NAMES.items()):
        error = baselines.error.sel(estimator=method)
        se = standard_error(error, error.get_axis_num("teacher")) if baselines.sizes["teacher"] > 1 else None
        axis.errorbar(
            baselines.alpha.values,
            error.mean("teacher").values,
            se,
            color=COLOURS[i],
            marker=MARKERS[i],
            mfc="white",
            lw=0.8,
            label=label,
        )
    runs = xr.concat(gd, "teacher").isel(decay=0).sel(dimension="main")
    axis.plot(
        runs.alpha,
        runs.error_average.isel(averaged=-1).mean("teacher"),
        "*",
        ms=9,
        color="#555555",
        label=f"averaged GD, d = {int(runs.d)}",
    )
    axis.plot(
        amp.alpha,
        amp.error.isel(iteration=-1).mean("teacher"),
        "+",
        ms=9,
        mew=2,
        color="black",
        label=f"GAMP-RIE, d = {amp.d}",
    )
    axis.set_xscale("log")
    axis.set(
        xlabel="samples over $d^2$, $\\alpha$ (left end: n = d)",
        ylabel=f"error ($\\kappa$ = 0.5; linear estimators d = {baselines.d})",
    )
    axis.set(ylim=(0, 3.5), xlim=(0.015, 0.5))
    tick_at(axis, [0.02, 0.05, 0.1, 0.2, 0.3, 0.4])
    axis.legend(ncols=2)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
