"""Figure: how well each measure recovers the edges of the basis graph, against the number of parts."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.stats.intervals import estimate_mean


def figure(recovery: list):
    """Return the figure; bars are 95 % intervals of the mean over graphs."""
    fig, axis = new_figure(width=7.2, height=3.9)
    runs = sorted(recovery, key=lambda run: run.attrs["parts"])
    sizes = np.array([run.attrs["parts"] for run in runs], dtype=float)
    for k, name in enumerate(runs[0].measure.values):
        means = [estimate_mean(run.auroc.sel(measure=name).values) for run in runs]
        mean, low, high = np.array([(mean.value, mean.low, mean.high) for mean in means]).T
        axis.errorbar(
            sizes * 1.012 ** (k - 3),
            mean,
            [mean - low, high - mean],
            marker=MARKERS[k],
            ls=LINESTYLES[k],
            color=COLOURS[(6, 0, 5, 4, 1, 2, 3)[k]],
            mfc="white",
            elinewidth=0.8,
            label=name,
        )
    axis.axhline(0.5, color="black", lw=0.8, ls=(0, (4, 2)))
    axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{size:g}" for size in sizes])
    axis.minorticks_off()
    axis.set(xlabel="number of parts $D$", ylabel="AUROC of true edges", ylim=(0.45, 1.02))
    graphs, samples = runs[0].sizes["seed"], runs[0].attrs["samples"]
    axis.set_title(f"{graphs} random graphs, n = {samples}; dashed: chance")
    fig.legend(*axis.get_legend_handles_labels(), loc="outside right center")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
