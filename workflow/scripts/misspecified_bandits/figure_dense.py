"""Figure: queries that any algorithm needs in the dense class, and those of elimination in the 1-sparse class."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.stats.intervals import estimate_mean


def figure(packings, queries, nets):
    """Return the figure, on a logarithmic axis of queries."""
    fig, axis = new_figure(width=6.4, height=4.0)
    mean, _, low, high, _ = estimate_mean((packings["count"].values + 1) / 2)
    axis.errorbar(
        packings["size"], mean, [mean - low, high - mean], color=COLOURS[1], marker=MARKERS[1],
        label="dense class: any algorithm, (N + 1) / 2 expected",
    )  # fmt: skip
    slope = np.polyfit(packings["size"], np.log(mean), 1)
    axis.plot(packings["size"], np.exp(np.polyval(slope, packings["size"])), color=COLOURS[1], ls=LINESTYLES[1], lw=1,
              label=f"exp({slope[0]:.4f} d)")  # fmt: skip
    most = queries.queries.sel(algorithm="elimination").max("instance")
    for k, mode in enumerate(queries["mode"].values):
        label = "null rewards" if mode == "null" else f"{mode} errors"
        axis.plot(queries.dim, most.sel(mode=mode), color=COLOURS[0], marker=MARKERS[2 + k], ls=LINESTYLES[k], ms=4,
                  label=f"1-sparse class: elimination, {label}")  # fmt: skip
    axis.plot(nets.dense_dim, np.exp(nets.sparse), ":", color=COLOURS[0], label="net of the 1-sparse class")
    top = 30 * mean.max()
    last = float(nets.dense[-1]) / np.log(10)
    axis.annotate(
        f"the dense net has $10^{{{last:.0f}}}$ points at d = {nets.dense_dim.values[-1]}",
        (0.03, 0.96), xycoords="axes fraction", fontsize=8, va="top",
    )  # fmt: skip
    axis.set(yscale="log", xlabel="dimension d", ylabel="queries", ylim=(1, top))
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
