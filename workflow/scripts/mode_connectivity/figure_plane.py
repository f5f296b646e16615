"""Figure: training loss on planes through a fork and both ends, with the paths of both runs."""

import numpy as np
from matplotlib.colors import LogNorm

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels


def figure(descent):
    """Return the figure."""
    count = descent.sizes["plane"]
    fig, axes = new_figure(ncols=count, width=4.1 * count, height=3.6, squeeze=False)
    for axis, k in zip(axes[0], descent.plane.values):
        one = descent.sel(plane=k)
        a, b = one.plane_axis.transpose("axis", "first").values
        loss = one.plane_loss.transpose("second", "first").values
        levels = np.geomspace(loss.min(), loss.max(), 18)
        filled = axis.contourf(a, b, loss, levels=levels, norm=LogNorm(), cmap="cividis", alpha=0.9)
        axis.contour(a, b, loss, levels=levels[::2], colors="white", linewidths=0.5)
        bar = fig.colorbar(
            filled, ax=axis, ticks=[t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5) if loss.min() < t < loss.max()]
        )
        bar.ax.set_yticklabels([f"{t:g}" for t in bar.get_ticks()])
        bar.set_label("training loss")
        track = one.track.transpose("run", "after", "coordinate").values
        off = np.nanmax(track[..., 2]) or 1.0
        for run in track:
            known = run[np.isfinite(run).all(axis=1)]
            axis.plot(known[:, 0], known[:, 1], "-", color="white", lw=1.0)
            points = axis.scatter(
                known[:, 0],
                known[:, 1],
                c=known[:, 2],
                cmap="magma",
                vmin=0,
                vmax=off,
                s=22,
                zorder=3,
                edgecolors="white",
                linewidths=0.5,
            )
            axis.plot(*known[-1, :2], "*", color=COLOURS[1], ms=11, mec="white", mew=0.6, zorder=4)
        axis.plot(0, 0, "s", color=COLOURS[1], ms=7, mec="white", mew=0.6, zorder=4)
        fig.colorbar(points, ax=axis, location="bottom", shrink=0.8, label="distance from the plane")
        axis.set(xlabel="towards the first end", ylabel="across", title=f"k = {k}")
        axis.grid(False)
    panel_labels(axes[0])
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
