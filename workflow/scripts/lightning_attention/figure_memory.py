"""Figure: bytes kept for the backward pass against sequence length."""

from lib.atlas.job.figure import LINESTYLES, MARKERS, REFERENCE, new_figure

LABELS = {
    "cumsum": "all states (cumsum)",
    "quadratic": "left product, whole mask",
    "sdpa": "softmax (scaled_dot_product_attention)",
    "chunked": "blocks (Lightning Attention-2)",
}


def figure_memory(memory):
    """Return the figure."""
    figure, axis = new_figure(width=6.6, height=3.4)
    for i, (name, label) in enumerate(LABELS.items()):
        size = memory.kept.sel(form=name)
        axis.plot(memory.tokens, size / 2**20, label=label, marker=MARKERS[i], linestyle=LINESTYLES[i])
    axis.plot(memory.tokens, memory.inputs / 2**20, label="q, k, v themselves", **REFERENCE)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("sequence length T (tokens)")
    axis.set_ylabel("kept for the backward pass (MiB)")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_memory, snakemake)
