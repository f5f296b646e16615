"""Figure: seconds for one data set against the number of environments, on the machine that made it."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.drawing.ranges import draw_range

NAMES = {
    "causal_de_finetti": "causal de Finetti",
    "pc": "PC",
    "fci": "FCI",
    "ges": "GES",
    "direct_lingam": "DirectLiNGAM",
    "cd_nod": "CD-NOD",
    "notears": "NOTEARS",
    "by_variance": "order of variances",
}


def figure(times, *, paper: dict[str, list[list[float]]]):
    """Return the figure: medians of several data sets, bars from the shortest to the longest.

    Args:
        times: the store.
        paper: by method, pairs of a number of environments and the authors' seconds.
    """
    fig, axis = new_figure(width=6.8, height=4.2)
    for i, (method, label) in enumerate(NAMES.items()):
        seconds = times.seconds.sel(algorithm=method)
        colour = "black" if i == 0 else COLOURS[i - 1] if i < 7 else COLOURS[7]
        draw_range(
            axis,
            times.environments,
            seconds,
            "repeat",
            middle="median",
            color=colour,
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            mfc=colour if i == 0 else "white",
            label=label,
        )
        if method in paper:
            at, published = zip(*paper[method])
            axis.plot(at, published, color=colour, marker="x", linestyle="", ms=7, label=f"{label}, authors' machine")
    axis.set(xscale="log", yscale="log", xlabel="environments, two samples each", ylabel="seconds, one CPU core")
    axis.set_xticks(times.environments.values, [str(n) for n in times.environments.values])
    axis.xaxis.minorticks_off()
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
