"""Figure: seconds for one data set against the number of samples, on the machine that made it."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure


def figure(times):
    """Return the figure."""
    fig, axis = new_figure(width=5.8, height=3.6)
    for i, method in enumerate(times.algorithm.values):
        axis.plot(
            2 * times.environments,
            times.seconds.sel(algorithm=method),
            color=COLOURS[i],
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            mfc="white",
            label=method.replace("_", " "),
        )
    axis.set(xscale="log", yscale="log", xlabel="samples (two in each environment)", ylabel="seconds, one CPU core")
    axis.set_xticks(2 * times.environments.values, [str(2 * n) for n in times.environments.values])
    axis.minorticks_off()
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
