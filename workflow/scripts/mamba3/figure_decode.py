"""Figure: operations for each byte of a decode step, and its measured time."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels

PAPER = {"float32": {1: 0.399, 4: 0.431}, "bfloat16": {1: 0.156, 4: 0.179}}  # ms, N = 128, batch 128, one H100, Table 6


def draw_measured(axis, table) -> None:
    """Times of a step against the batch, beside the time that the bytes take at the measured rate of a copy."""
    for i, (name, rank) in enumerate((("chunked", 1), ("rank_4", 4))):
        rows = table.isel(case=np.flatnonzero((table["operator"] == name) & (table["pass"] == "decode")))
        rows = rows.sortby("batch")
        least = rows.time_ms.min("repeat").values
        axis.plot(rows.batch, least, color=COLOURS[i], marker=MARKERS[i], ls=LINESTYLES[i], label=f"R = {rank}")
        bound = 1e3 * rows.bytes / float(table.copy_bandwidth)
        axis.plot(rows.batch, bound, color=COLOURS[i], lw=0.8, ls=":", label=f"R = {rank}, bytes at the rate of a copy")
    axis.set(xscale="log", yscale="log", xlabel="batch", ylabel="ms per step")
    axis.set_title(
        f"kept with the project, measured on\n{table.attrs['machine']}\n"
        f"{int(table.heads[0])} heads of {int(table.width[0])}, N = {2 * int(table.width[0])}, float32 state",
        fontsize=8.5,
    )
    axis.legend(fontsize=7)


def figure(times, measured: list):
    """Return the figure; times are the least of the repeats, bars reach to the median, crosses are the paper's.

    Args:
        times: of this run.
        measured: tables that were measured on other machines and are kept with the project.
    """
    panels = 2 + len(measured)
    fig, axes = new_figure(ncols=panels, width=4.7 * panels, height=5.0)
    left, right = axes[:2]
    for axis, table in zip(axes[2:], measured):
        draw_measured(axis, table)
    ranks = times["rank"].values
    for i, dtype in enumerate(times.state_dtype.values):
        values = times.intensity.sel(state_dtype=dtype).isel(state=-1)
        left.plot(ranks, values, color=COLOURS[i], marker=MARKERS[i], ls=LINESTYLES[i], label=f"{dtype} state")
    left.plot(ranks, ranks * float(times.intensity[0, 0, -1]), color="black", lw=0.9, ls=":", label="proportional to R")
    left.set(
        xlabel="rank R",
        ylabel="FLOP per byte moved",
        ylim=(0, None),
        xticks=ranks,
        title=f"P = {times.head_dim}, N = {int(times.state[-1])}",
    )
    left.legend()
    batch, work = times.batch.values[-1], times.step_work.sel(part="operations").isel(state=-1)
    work = work.values / work.values[0]
    right.fill_between(ranks, 0, work / 2, color="0.93", zorder=0, label="pass: time grows half as much as the work")
    right.plot(ranks, work, color="black", lw=0.9, ls=":", label="operations of a step")
    marks = [(dtype, state) for dtype in times.dtype.values for state in times.state.values]
    for i, (dtype, state) in enumerate(marks):
        values = times.decode_ms.sel(dtype=dtype, state=state, batch=batch)
        one = values.min("repeat").values[0]
        least = values.min("repeat").values / one
        up = values.median("repeat").values / one - least
        right.errorbar(
            ranks,
            least,
            [np.zeros(len(up)), up],
            color=COLOURS[i],
            marker=MARKERS[i],
            ls=LINESTYLES[i],
            label=f"{dtype}, N = {state}: {one:.3g} ms at R = 1",
        )
    for (dtype, values), marker in zip(PAPER.items(), ("x", "+")):
        right.plot(4, values[4] / values[1], marker, color="black", ms=8, label=f"paper, {dtype}, N = 128, H100")
    where = "GPU kernel" if times.timed_on == "cuda" else "PyTorch step on a processor"
    right.set(
        xlabel="rank R",
        ylabel=f"time of a step over that at R = 1, batch {batch}",
        xticks=ranks,
        title=f"{where}, {times.decode_heads} heads of {times.head_dim}",
        ylim=(0, None),
    )
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=7.5)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
