"""Figure: noisy gradient descent for each weight decay, against the noisy Bayes-optimal error."""

import xarray as xr

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.linalg.random_matrix import mmse


def figure(theory, gd: list):
    """Return the figure: a line for each weight decay, averages (filled) and single runs (open)."""
    fig, axis = new_figure(width=6.4, height=4.2)
    runs = xr.concat(gd, "teacher")
    alpha = theory.noisy_alpha.values
    axis.plot(alpha, mmse(alpha, gd[0].kappa, gd[0].noise)[0], color="black", label="Bayes-optimal error, this noise")
    axis.plot(
        runs.alpha,
        runs.amp_error.mean("teacher"),
        "x",
        color="black",
        ms=8,
        mew=2,
        label=f"GAMP-RIE, d = {gd[0].d}, same labels",
    )
    for i, decay in enumerate(runs.decay.values):
        at = runs.sel(decay=decay)
        style = {"color": COLOURS[i % 8], "ls": LINESTYLES[i % 8], "marker": MARKERS[i % 8]}
        axis.plot(at.alpha, at.error_limit.mean("teacher"), label=f"average, decay {decay:g}", **style)
        axis.plot(at.alpha, at.error_single.mean(("initialisation", "teacher")), mfc="white", lw=0.7, **style)
    axis.plot([], [], "o", mfc="white", color="gray", label="open: one run")
    axis.set(xlabel="samples over $d^2$, $\\alpha$", ylabel="error", ylim=(0, None))
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
