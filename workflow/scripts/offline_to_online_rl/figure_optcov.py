"""Figure: episodes of OptCov against the norm that is asked for, and the norm that it reaches."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_range


def figure(collected):
    """Return the figure: episodes with the fewest of any mixture and the guarantee, and reached over asked norms."""
    fig, axes = new_figure(ncols=3, width=11.0, height=3.5)
    x = collected.target.values
    for k, (axis, data) in enumerate(zip(axes, collected.data.values)):
        part = collected.sel(data=data)
        draw_range(axis, x, part.episodes, "process", color=COLOURS[0], marker=MARKERS[0], label="OptCov")
        least = part.designed.where(part.designed > 0)
        style = {"color": COLOURS[1], "marker": MARKERS[1], "ls": "--", "label": "fewest of any mixture, N*"}
        draw_range(axis, x, least, "process", **style)
        draw_range(
            axis,
            x,
            16 * part.designed_bound.where(part.designed_bound > 0),
            "process",
            color="0.5",
            marker=MARKERS[2],
            ls=":",
            label="16 N*(target / 6)",
        )
        axis.set(
            xscale="log",
            yscale="log",
            xlabel="largest squared norm asked for",
            ylabel="episodes",
            title=f"offline data: {data}",
        )
        axis.invert_xaxis()
        draw_range(axes[2], x * 1.05**k, (part.reached / part.target), "process", color=COLOURS[k], marker=MARKERS[k],
                   ls="-" if k == 0 else "--", label=data)  # fmt: skip
    top = max(axis.get_ylim()[1] for axis in axes[:2])
    bottom = min(axis.get_ylim()[0] for axis in axes[:2])
    for axis in axes[:2]:
        axis.set_ylim(bottom, top)
    axes[0].legend(fontsize=7)
    axes[2].axhline(1, **REFERENCE)
    axes[2].set(xscale="log", xlabel="largest squared norm asked for", ylabel="reached over asked", ylim=(0, 1.05))
    axes[2].invert_xaxis()
    axes[2].legend(fontsize=7, title="offline data", title_fontsize=7)
    axes[2].set_title("norm reached")
    panel_labels(np.array(axes))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
