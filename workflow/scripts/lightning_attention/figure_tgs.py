"""Figure: training tokens per second against sequence length, at a constant number of tokens in a batch."""

import numpy as np

from lib.atlas.job.figure import LINESTYLES, MARKERS, new_figure

LABELS = {"tnl_chunked": "TransNormer, blocks", "tnl_tiled": "TransNormer, left product in tiles", "softmax": "softmax"}


def figure_tgs(models):
    """Return the figure."""
    sizes = models.sizes["size"]
    figure, axes = new_figure(sizes, 1, width=3.9 * sizes, height=3.5, squeeze=False)
    for axis, name in zip(axes.flat, models["size"].values):
        for i, (architecture, label) in enumerate(LABELS.items()):
            rate = models.tokens_per_s.sel(architecture=architecture, size=name)
            middle = rate.median("step").values
            low, high = (rate.quantile(q, "step").values for q in (0.25, 0.75))
            axis.errorbar(
                models.length,
                middle,
                yerr=np.stack([middle - low, high - middle]),
                label=label,
                marker=MARKERS[i],
                linestyle=LINESTYLES[i],
            )
        axis.set_xscale("log", base=2)
        axis.set_ylim(0, None)
        axis.set_xlabel("sequence length T (tokens)")
        axis.set_title(f"{name} model, {models.attrs['tokens_per_batch']} tokens in a batch")
    axes.flat[0].set_ylabel("training tokens per second")
    axes.flat[0].legend(loc="lower left")
    figure.suptitle(models.attrs["machine"], fontsize=9)
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_tgs, snakemake)
