"""Figure: wall time from data to labels against the number of points."""

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.ranges import draw_guide, draw_range, tick_at


def figure(times):
    """Return the figure."""
    fig, axis = new_figure(width=4.6, height=3.5)
    for m, name in enumerate(times.estimator.values):
        label = {"MLC": "MLC, both stages", "EnSC": "EnSC, g fixed"}[str(name)]
        draw_range(
            axis, times.n, times.time.sel(estimator=name).transpose("repeat", "n"), "repeat", middle="median",
            color=COLOURS[m], marker=MARKERS[m], label=label,
        )  # fmt: skip
    peer = times.time.sel(estimator="EnSC").median("repeat").values
    draw_guide(axis, times.n.values, peer[0], 2, "slope 2")
    axis.set(xscale="log", yscale="log", xlabel="points n", ylabel="time to labels, one thread (s)")
    tick_at(axis, times.n.values)
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
