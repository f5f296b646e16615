"""Figure: online episodes of the design against the size of the offline data, for three coverages."""

import numpy as np
from matplotlib.colors import LogNorm

from lib.atlas.job.figure import new_figure, panel_labels


def figure(requirements):
    """Return the figure: a map by accuracy and offline size for each coverage, on one scale."""
    drawn = requirements.by_size
    fig, axes = new_figure(ncols=len(drawn.coverage), width=10.0, height=3.3, sharey=True)
    sizes, eps = np.log10(requirements["size"].values), np.log2(1 / requirements.map_eps.values)
    scale = LogNorm(max(1.0, float(drawn.min())), float(drawn.max()))
    for axis, coverage in zip(axes, drawn.coverage.values):
        values = np.maximum(drawn.sel(coverage=coverage).values, scale.vmin)
        mesh = axis.pcolormesh(sizes, np.arange(len(eps)), values, norm=scale, shading="nearest")
        axis.set(title=coverage, xlabel="log10 of offline tuples of each action")
        axis.grid(False)
        levels = [10.0**k for k in range(2, 9) if scale.vmin < 10.0**k < scale.vmax]
        lines = axis.contour(sizes, np.arange(len(eps)), values, levels, colors="white", linewidths=0.8)
        axis.clabel(lines, fmt=lambda level: f"{level:.0e}".replace("e+0", "e"), fontsize=7)
    axes[0].set(ylabel="accuracy eps")
    axes[0].set_yticks(np.arange(len(eps)), [f"{one:g}" for one in requirements.map_eps.values])
    fig.colorbar(mesh, ax=list(axes), label="online episodes of the design")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
