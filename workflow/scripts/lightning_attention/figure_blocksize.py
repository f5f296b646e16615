"""Figure: time of the block form against its block length."""

import numpy as np

from lib.atlas.job.figure import LINESTYLES, MARKERS, new_figure


def figure_blocksize(kernels):
    """Return the figure."""
    figure, axis = new_figure(height=3.5)
    for i, width in enumerate(kernels.block_width.values):
        times = kernels.block_ms.sel(block_width=width)
        least = times.min("repeat").values
        axis.errorbar(
            kernels.block,
            least,
            yerr=[0 * least, times.max("repeat").values - least],
            marker=MARKERS[i],
            linestyle=LINESTYLES[i],
            label=f"D = {width}",
            color=f"C{i}",
        )
        best = int(np.argmin(least))
        axis.plot(kernels.block[best], least[best], marker="o", markersize=13, fillstyle="none", color=f"C{i}")
        axis.axvline(width, color=f"C{i}", linewidth=0.8, linestyle=LINESTYLES[i], alpha=0.6)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("block length C (tokens); thin lines: C = D")
    axis.set_ylabel("forward time (ms)")
    axis.set_title(f"{kernels.block_ms.attrs['long_name']}, {kernels.attrs['machine']}", fontsize=8.5)
    axis.legend()
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_blocksize, snakemake)
