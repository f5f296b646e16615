"""Figure: gap of each algorithm against the dimension, on decoys and on random spheres."""

import numpy as np

from lib.atlas.job.figure import REFERENCE, new_figure, panel_labels
from lib.drawing.bandits import STYLES
from lib.stats.intervals import estimate_mean


def figure(decoys, spheres):
    """Return the figure; the band is the guarantee of elimination on the net, 4 eps."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.8)
    for name in decoys.algorithm.values:
        left.plot(decoys.dim, decoys.gap.sel(algorithm=name), **STYLES[name])
    dims = np.geomspace(decoys.dim.values[0], decoys.dim.values[-1], 100)
    left.plot(dims, np.sqrt(dims), label="√d", **REFERENCE)
    left.set(xscale="log", xlabel="dimension d", title="decoy (nothing is random)")
    shift = {name: 1.06**k for k, name in enumerate(("elimination", "design", "design_best", "supports", "random"))}
    for name, factor in shift.items():
        gaps = spheres.gap.sel(algorithm=name).mean("mode").transpose("draw", "case").values
        mean, _, low, high, _ = estimate_mean(gaps)
        x = spheres.dim.values * factor
        right.errorbar(x, mean, [mean - low, high - mean], **STYLES[name])
    right.set(xscale="log", xlabel="dimension d", title="random spheres, mean of three kinds of errors")
    right.set(xticks=spheres.dim.values, xticklabels=[str(d) for d in spheres.dim.values])
    right.set_xticks([], minor=True)
    for axis in (left, right):
        axis.axhspan(0, 4, color="0.93", zorder=0)
        axis.set(ylabel="sub-optimality over ε")
        axis.legend(fontsize=7)
    right.set_ylim(0, None)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
