"""Figure: training tokens per second against sequence length, at a constant number of tokens in a batch."""

import numpy as np

from lib.atlas.job.figure import LINESTYLES, MARKERS, new_figure

LABELS = {"tnl_chunked": "TransNormer, blocks", "tnl_tiled": "TransNormer, left product in tiles", "softmax": "softmax"}

PAPER_LENGTHS = (1024, 2048, 4096, 8192, 16384, 32768, 65536, 81920, 94208)
PAPER = {  # tokens per GPU and second of the 0.4B models, two A100-80G, Table 1
    "tnl_chunked": (38615, 38680, 38714, 38172, 37755, 37364, 38278, 38457, 38596),
    "tnl_tiled": (41789, 39043, 34894, 28627, 21112, 13852, 8247, 6824, 6012),
    "softmax": (35931, 32453, 28184, 21996, 15479, 9715, 5643, 4604, 4078),
}


def figure_tgs(models):
    """Return the figure; the last panel is the paper's table."""
    sizes = models.sizes["size"] + 1
    figure, axes = new_figure(sizes, 1, width=3.7 * sizes, height=3.9, squeeze=False)
    for i, architecture in enumerate(LABELS):
        axes.flat[-1].plot(PAPER_LENGTHS, PAPER[architecture], marker=MARKERS[i], linestyle=LINESTYLES[i])
    axes.flat[-1].set_xscale("log", base=2)
    axes.flat[-1].set_ylim(0, None)
    axes.flat[-1].set_xlabel("sequence length T (tokens)")
    axes.flat[-1].set_title("the paper: 0.4B model, two A100")
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
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(models.attrs["machine"], fontsize=9)
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_tgs, snakemake)
