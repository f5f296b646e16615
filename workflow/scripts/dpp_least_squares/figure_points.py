"""Figure: designs of each strategy, one row each, below the densities of single points."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.sampling.bases import Legendre
from lib.sampling.basis import christoffel
from lib.sampling.designs import LABELS

ORDER = ("mc", "iid", "vol", "rep", "rvol")
STYLE = {name: (COLOURS[i % 8], MARKERS[i % 8]) for i, name in enumerate(LABELS)}


def figure(independent, volume, repeated):
    """Return the figure: rug plots of the first designs of n = 2m points."""
    m = independent.m
    fig, (top, bottom) = new_figure(
        nrows=2, width=7.0, height=5.6, sharex=True, gridspec_kw={"height_ratios": [1, 2.4]}
    )
    x = np.linspace(-1, 1, 801)
    optimal = christoffel(Legendre(m), x[:, None]) / (2 * m)
    inner = np.abs(x) < 0.9985
    top.plot(x, optimal, color=COLOURS[1], label="optimal, $k_m / m$")
    top.plot(x, np.full(x.shape, 0.5), color=COLOURS[0], ls=LINESTYLES[1], label="uniform, $\\mu$")
    top.plot(
        x[inner], 1 / (np.pi * np.sqrt(1 - x[inner] ** 2)), color="black", ls=LINESTYLES[3], label="limit: arcsine"
    )
    top.set(ylabel="density", yscale="symlog", title=f"Legendre, m = {m}")
    top.set(ylim=(0, 0.6 * m), yticks=[0, 0.5, 1, 2, 5], yticklabels=["0", "0.5", "1", "2", "5"])
    top.legend(ncols=3, loc="upper center")
    runs = {s: run for run in (independent, volume, repeated) for s in run.strategy.values}
    names = [name for name in ORDER if name in runs]
    rows = min(5, independent.sizes["shown"])
    for k, name in enumerate(names):
        points = runs[name].sel(strategy=name, n=2 * m).x.values
        for row in range(rows):
            here = points[row][np.isfinite(points[row])]
            height = -(k * (rows + 1.5) + row)
            colour, marker = STYLE[name]
            bottom.axhline(height, color="#dddddd", lw=0.6, zorder=0)
            bottom.plot(here, np.full(here.shape, height), marker, color=colour, ms=3.4, mfc="white", mew=0.9)
    middles = [-(k * (rows + 1.5) + (rows - 1) / 2) for k in range(len(names))]
    bottom.set(xlabel="x", yticks=middles, yticklabels=[LABELS[name] for name in names], xlim=(-1.02, 1.02))
    bottom.grid(visible=False)
    bottom.set_title(f"{rows} designs of n = {2 * m} points for each strategy")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
