"""Figure: time of a forward pass against sequence length."""

import numpy as np

from lib.atlas.figure import COLOURS, LINESTYLES, MARKERS, new_figure

LABELS = {
    "chunked": "Mamba-3",
    "rank_4": "Mamba-3, rank 4",
    "scalar_decay": "scalar decay alone",
    "sdpa": "softmax attention",
}


def figure(times):
    """Return the figure: least time of the repeats, bars to the median."""
    fig, axis = new_figure(width=5.8, height=4.0)
    tokens = times.tokens.values
    for i, operator in enumerate(times.operator.values):
        values = times.prefill_ms.sel(operator=operator)
        least = values.min("repeat").values
        up = values.median("repeat").values - least
        slope = np.polyfit(np.log(tokens), np.log(least), 1)[0]
        axis.errorbar(
            tokens, least, [np.zeros(len(up)), up], color=COLOURS[i], marker=MARKERS[i], ls=LINESTYLES[i],
            label=f"{LABELS[operator]}, slope {slope:.2f}",
        )  # fmt: skip
    where = "GPU kernels" if times.timed_on == "cuda" else "PyTorch forms on a processor, one thread"
    axis.set(
        xscale="log", yscale="log", xlabel="tokens", ylabel="ms",
        title=f"{where}: {times.heads} heads of {times.head_dim}, N = {2 * times.head_dim}",
    )  # fmt: skip
    axis.set_xticks(tokens, [str(n) for n in tokens])
    axis.minorticks_off()
    axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(figure, snakemake)
