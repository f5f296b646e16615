"""Figure: root mean square and median of the error over the best error, against n."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.sampling.designs import LABELS
from lib.stats.intervals import estimate_root_mean_square

STYLE = {
    name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8], "ls": LINESTYLES[i % 8]} for i, name in enumerate(LABELS)
}


def figure(independent, volume, repeated):
    """Return the figure for the first function; the theory of volume sampling at n = m is marked."""
    fig, axes = new_figure(ncols=2, width=9.6, height=4.0, sharey=True)
    function = independent.function.values[0]
    runs = {s: run for run in (independent, volume, repeated) for s in run.strategy.values}
    for k, name in enumerate(name for name in LABELS if name in runs):
        run = runs[name].sel(strategy=name, function=function)
        ratio = (run.l2_error / run.best_error).values
        enough = np.isfinite(ratio).sum(axis=1) >= 2
        n = run.n.values[enough] * 1.012 ** (k - 3)
        samples = [row[np.isfinite(row)] for row in ratio[enough]]
        rms, se = np.array([estimate_root_mean_square(errors)[:2] for errors in samples]).T
        style = {"mfc": "white", "lw": 1.1, "label": LABELS[name], **STYLE[name]}
        axes[0].errorbar(n, rms, np.minimum(se, 0.9 * rms), **style)
        axes[1].plot(n, [np.median(errors) for errors in samples], **style)
    m = independent.m
    axes[0].plot([m], [np.sqrt(1 + m)], "_", color="black", ms=16, mew=1.6, label="$\\sqrt{1 + m}$", zorder=5)
    for axis, title in zip(axes, ("root mean square", "median")):
        axis.axhline(1, **REFERENCE)
        axis.set(xscale="log", yscale="log", xlabel="number of points n", title=title, ylim=(0.9, 300))
        ticks = [n for n in independent.n.values if n in (5, 10, 20, 30, 50, 100, 200)]
        axis.set_xticks(ticks, [str(t) for t in ticks])
        axis.minorticks_off()
    axes[0].set_ylabel("$L^2$ error / best error $e_m$")
    axes[1].legend(ncols=1, loc="upper right")
    axes[0].legend(handles=axes[0].get_lines()[-2:-1], loc="upper right")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
