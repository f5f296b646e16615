"""Figure: CPU time against the number of columns."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure


def figure(times):
    """Return the figure: the smallest of the repeats, with fitted exponents in the legend."""
    fig, axis = new_figure(width=5.2, height=3.6)
    for i, name in enumerate(dict.fromkeys(times.series.values.tolist())):
        chosen = times.series.values == name
        dims, least = times.dim.values[chosen], times.time.values[chosen].min(axis=1)
        exponent, start = np.polyfit(np.log(dims), np.log(least), 1)
        axis.plot(dims, 1e3 * least, MARKERS[i], color=COLOURS[i], label=f"{name}: exponent {exponent:.2f}")
        axis.plot(dims, 1e3 * np.exp(start) * dims**exponent, color=COLOURS[i], ls=LINESTYLES[i], lw=1)
    axis.set(xscale="log", yscale="log", xlabel="columns d", ylabel="CPU time (ms)")
    axis.set_title(f"n = {times.attrs['rows']}, one thread")
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
