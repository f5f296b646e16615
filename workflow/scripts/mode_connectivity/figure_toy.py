"""Figure: descents on both sides of a ridge, runs that part on a pitchfork, and how often they part."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.landscape.toys import descend_factorisation, factorisation_loss, pitchfork_loss
from lib.stats.intervals import estimate_proportion

SHOWN = 12  # descents of each side
DRAWN = 4  # every so many steps of a path are drawn
PATH = np.unique(np.geomspace(1, 400, 60).astype(int))


def figure(toys):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=10.5, height=3.5)
    grid = np.linspace(-2.4, 2.4, 121)
    levels = np.geomspace(0.02, 20, 12)
    left.contour(
        grid, grid, factorisation_loss(grid[None, :], grid[:, None]), levels=levels, colors="0.75", linewidths=0.6
    )
    left.plot([-2.4, 2.4], [2.4, -2.4], label="ridge", **REFERENCE)
    for i, side in enumerate(toys.side.values):
        start = toys.start.sel(side=side).transpose("coordinate", "start").values[:, :SHOWN]
        path = [start, *(descend_factorisation(*start, toys.attrs["step"], int(n)) for n in PATH)]
        for a, b in np.moveaxis(np.array(path), 0, -1).swapaxes(0, 1):
            left.plot(a, b, "-", color=COLOURS[i], lw=0.9)
            left.plot(a[-1], b[-1], "o", color=COLOURS[i], ms=3)
    left.set(xlabel="a", ylabel="b", xlim=(-2.4, 2.4), ylim=(-2.4, 2.4))
    left.legend(fontsize=7, loc="lower left")
    y = np.linspace(toys.attrs["first"], toys.attrs["last"], toys.sizes["step"])
    x = np.linspace(-1.7, 1.7, 121)
    heights = toys.height.values
    coarse = np.linspace(y[0], y[-1], 121)
    middle.contour(
        x,
        coarse,
        pitchfork_loss(x[None, :], coarse[:, None], toys.attrs["critical"]),
        levels=np.linspace(-1, 1, 17),
        colors="0.8",
        linewidths=0.5,
    )
    valley = np.sqrt(np.maximum(y - toys.attrs["critical"], 0))
    for sign in (-1, 1):
        middle.plot(sign * valley, y, **REFERENCE)
    for i, place in enumerate((0, len(heights) // 2, len(heights) - 1)):
        for run in toys.path.isel(height=place, kept=i).transpose("run", "step").values:
            middle.plot(run[::DRAWN], y[::DRAWN], color=COLOURS[i], lw=1.0)
        at = np.searchsorted(y, heights[place])
        middle.plot(
            toys.path.isel(height=place, kept=i, run=0).values[at],
            heights[place],
            "o",
            color=COLOURS[i],
            mec="black",
            ms=6,
        )
    middle.set(xlabel="x", ylabel="height y", xlim=(-1.7, 1.7))
    counts, pairs = toys.parted.sum("pair").values, toys.sizes["pair"]
    share = estimate_proportion(counts, pairs)
    right.errorbar(
        heights, share.value, [share.value - share.low, share.high - share.value], fmt="o-", color=COLOURS[0]
    )
    right.axhline(0.5, **REFERENCE)
    right.axvline(toys.attrs["critical"], color="0.6", lw=0.8)
    right.text(toys.attrs["critical"] + 0.02, 0.62, "ridge begins", fontsize=7)
    right.set(xlabel="height of the fork", ylabel="share of pairs that part", ylim=(-0.02, 0.7))
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
