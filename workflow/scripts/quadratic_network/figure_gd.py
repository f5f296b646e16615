"""Figure: single and averaged gradient descent against the Bayes-optimal error and twice that."""

import numpy as np
import xarray as xr

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure

# the authors' runs at alpha = 0.205, d = 100 and 200: errors of single runs and of averages of 64
AUTHORS = {"alpha": 0.205, "single": (0.910, 0.871), "average": (0.458, 0.422)}


def figure(theory, gd: list):
    """Return the figure; small marks are teachers, large ones their means."""
    fig, axis = new_figure(width=6.4, height=4.2)
    runs = xr.concat(gd, "teacher").sel(dimension="main")
    curve = theory.sel(kappa=0.5)
    axis.plot(curve.alpha, curve.error, color="black", label="Bayes-optimal error")
    axis.plot(curve.alpha, 2 * curve.error, color="black", ls="--", label="twice the Bayes-optimal error")
    axis.axhline(1, **{**REFERENCE, "linestyle": ":"}, label="identity (linear regression's level)")
    b = runs.sizes["initialisation"]
    series = [
        (runs.error_single.mean("initialisation"), "s", COLOURS[1], "GD, one run"),
        (runs.error_average.isel(averaged=-1), "o", COLOURS[0], f"average of S over {b} runs"),
        (runs.error_limit, "^", COLOURS[2], "average, de-biased"),
        (runs.amp_error, "x", COLOURS[3], "GAMP-RIE, same labels"),
    ]
    for k, (values, marker, colour, label) in enumerate(series):
        values = values.isel(decay=0) if "decay" in values.dims else values
        shift = runs.alpha + 0.003 * (k - 1.5)
        for teacher in range(runs.sizes["teacher"]):
            axis.plot(shift, values.isel(teacher=teacher), marker, color=colour, ms=2.5, alpha=0.6)
        axis.plot(
            shift,
            values.mean("teacher"),
            marker,
            color=colour,
            mfc="white" if marker != "x" else None,
            ms=6.5,
            label=label,
        )
    for name, colour in (("single", COLOURS[1]), ("average", COLOURS[0])):
        x = [AUTHORS["alpha"] + 0.006] * 2
        axis.plot(x, AUTHORS[name], "*", color=colour, ms=8, label=f"authors, {name}, d = 100, 200")
    axis.set(
        xlabel="samples over $d^2$, $\\alpha$",
        ylabel=f"error ($\\kappa$ = 0.5, d = {int(runs.d)})",
        xlim=(0, 0.4),
        ylim=(0, None),
    )
    axis.legend()
    axis.set_ylim(0, max(2.1, float(np.nanmax(runs.error_single.mean("initialisation"))) * 1.05))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
