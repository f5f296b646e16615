"""Figure: our error against the number of columns at a fixed number of rows."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure
from lib.drawing.medians import draw_medians
from lib.drawing.ranges import tick_at


def figure(sizes):
    """Return the figure, with a straight line in log d through the medians, and the error of least squares."""
    fig, axis = new_figure(width=5.2, height=3.6)
    places = np.flatnonzero([str(name).startswith("dimension:") for name in sizes.point.values])
    dims, rows, noise = (
        sizes.dim.values[places],
        int(sizes.rows.values[places[0]]),
        float(sizes.noise.values[places[0]]),
    )
    for i, (method, words) in enumerate((("ours", "ours, fixed level"), ("ours_oracle", "ours, best level"))):
        values = sizes.error.sel(estimator=method).transpose("point", "seed").values[places]
        draw_medians(axis, dims * 1.04**i, values, ls="", color=COLOURS[i], marker=MARKERS[i], label=words)
        slope, start = np.polyfit(np.log(dims), np.median(values, axis=1), 1)
        grid = np.geomspace(dims.min(), dims.max(), 50)
        axis.plot(grid, start + slope * np.log(grid), color=COLOURS[i], lw=1)
    grid = np.geomspace(dims.min(), dims.max(), 200)
    axis.plot(grid, noise**2 * np.minimum(grid / rows, 1), label="least squares, σ² min(d / n, 1)", **REFERENCE)
    axis.set(xscale="log", xlabel="columns d", ylabel="prediction error", title=f"n = {rows}, σ = {noise:g}")
    axis.set_ylim(bottom=0)
    tick_at(axis, dims)
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
