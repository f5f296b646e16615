"""Figure: time of a forward pass against sequence length."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure
from lib.bench.analysis import times_of

LABELS = {
    "chunked": "Mamba-3",
    "rank_4": "Mamba-3, rank 4",
    "scalar_decay": "scalar decay alone",
    "sdpa": "softmax attention",
    "fla_simple_gla": "flash-linear-attention, scalar decay",
}


def curve(axis, place: int, name: str, tokens, least, bars) -> None:
    """One operator's times, and the slope in its label."""
    slope = np.polyfit(np.log(tokens), np.log(least), 1)[0]
    axis.errorbar(
        tokens,
        least,
        [np.zeros(len(bars)), bars],
        color=COLOURS[place],
        marker=MARKERS[place],
        ls=LINESTYLES[place],
        label=f"{LABELS[name]}, slope {slope:.2f}",
    )


def figure(times, measured: list):
    """Return the figure: least time of the repeats, bars to the median.

    Args:
        times: of this run.
        measured: tables that were measured on other machines and are kept with the project.
    """
    panels = 1 + len(measured)
    fig, axes = new_figure(panels, width=5.8 * panels, height=4.0, squeeze=False)
    for i, name in enumerate(times.operator.values):
        values = times.prefill_ms.sel(operator=name)
        least = values.min("repeat").values
        curve(axes[0, 0], i, name, times.tokens.values, least, values.median("repeat").values - least)
    where = "GPU kernels" if times.timed_on == "cuda" else "PyTorch forms on a processor, one thread"
    axes[0, 0].set_title(f"{where}: {times.heads} heads of {times.head_dim}, N = {2 * times.head_dim}")
    for axis, table in zip(axes[0, 1:], measured):
        for i, name in enumerate(LABELS):
            tokens, least = times_of(table, name, "forward")
            if len(tokens) > 1:
                curve(axis, i, name, tokens, least, times_of(table, name, "forward", "median")[1] - least)
        heads, width = int(table.heads[0]), int(table.width[0])
        axis.set_title(
            f"kept with the project, measured on\n{table.attrs['machine']}\n"
            f"{heads} heads of {width}, N = {2 * width}, {table.attrs['dtype']}",
            fontsize=8.5,
        )
    for axis in axes.flat:
        axis.set(xscale="log", yscale="log", xlabel="tokens", ylabel="ms")
        ticks = axis.containers[0].lines[0].get_xdata()
        axis.set_xticks(ticks, [str(n) for n in ticks])
        axis.minorticks_off()
        axis.legend()
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
