"""Figure: time against sequence length, one curve for each form of attention."""

import numpy as np

from lib.atlas.job.figure import LINESTYLES, MARKERS, new_figure
from lib.bench.analysis import times_of
from lib.stats.intervals import estimate_slope

LABELS = {
    "chunked": "blocks (Lightning Attention-2)",
    "sdpa": "softmax (scaled_dot_product_attention)",
    "quadratic": "left product, whole mask",
    "tiled": "left product, tiled (Lightning Attention-1)",
    "recurrent": "step by step, compiled",
    "cumsum": "all states (cumsum), compiled",
    "fla_simple_gla": "flash-linear-attention",
}
PUBLISHED_CROSSOVER = (2048, 4096)  # forward, batch 4, 32 heads of 128, bfloat16, GPU of the A100 class


def draw(axis, table, direction: str) -> None:
    """Curves of one table: smallest time, and a bar up to the largest repeat."""
    for i, (name, label) in enumerate(LABELS.items()):
        tokens, least = times_of(table, name, direction)
        if not len(tokens):
            continue
        _, largest = times_of(table, name, direction, "max")
        long = least > 2
        if long.sum() >= 3:
            label += f", slope {estimate_slope(np.log(tokens[long]), np.log(least[long])).value:.2f}"
        axis.errorbar(
            tokens,
            least,
            yerr=[0 * least, largest - least],
            label=label,
            color=f"C{i}",
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
        )
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("sequence length T (tokens)")
    words = "forward" if direction == "forward" else "forward and backward"
    axis.set_ylabel(f"time, {words} (ms)")
    batch, heads, width = (int(table[key][0]) for key in ("batch", "heads", "width"))
    axis.set_title(
        f"{table.attrs['machine']}\nbatch {batch}, {heads} heads of {width}, {table.attrs['dtype']}", fontsize=8.5
    )
    if direction == "forward":
        axis.axvspan(
            *PUBLISHED_CROSSOVER, color="0.9", zorder=0, label="published crossing with softmax (A100 class GPU)"
        )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=7.5)


def figure_speed(kernels, measured: list, *, direction: str):
    """Return the figure.

    Args:
        kernels: times of this run.
        measured: tables that were measured on other machines and are kept with the project.
        direction: `forward`, or `both` for forward and backward.
    """
    tables = [kernels, *measured]
    figure, axes = new_figure(len(tables), 1, width=5.2 * len(tables), height=5.4, squeeze=False)
    for axis, table in zip(axes.flat, tables):
        draw(axis, table, direction)
    for axis in axes.flat[1:]:
        axis.set_title(f"kept with the project, measured on: {axis.get_title()}", fontsize=8.5)
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_speed, snakemake)
