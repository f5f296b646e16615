"""Figure: accuracy under corruption."""

import numpy as np
import xarray as xr

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_means

NAMES = {"lp": "linear probing", "mp": "MP"}


def figure(probes):
    """Return the figure."""
    fig, axes = new_figure(ncols=probes.sizes["corruption"], width=9, height=3.0, sharey=True)
    linear = probes.accuracy.sel(probe=xr.DataArray(probes.linear.values.astype(str), dims="images"))
    clean = {"lp": linear.mean("images").values, "mp": probes.accuracy.sel(probe="mp").mean("images").values}
    for axis, name in zip(axes, probes.corruption.values):
        for k, estimator in enumerate(NAMES):
            values = probes.robust.sel(corruption=name, estimator=estimator).mean("images")
            whole = np.vstack([clean[estimator], values.transpose("severity", "seed").values])
            severity = [0, *probes.severity.values]
            style = {"color": COLOURS[k], "marker": MARKERS[k], "label": NAMES[estimator]}
            draw_means(axis, severity, 100 * whole, units=1, **style)
        axis.set(title=str(name), xlabel="severity")
    axes[0].set_ylabel("test accuracy, points")
    axes[0].legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
