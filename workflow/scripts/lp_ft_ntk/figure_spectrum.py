"""Figure: spectra of both parts of the kernel, error of random adapters, and traces of blocks sorted by class."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, draw_range, tick_at

BLOCKS = (("FT", "P"), ("FT", "F"), ("LP-FT", "F"))


def figure(kernels):
    """Return the figure."""
    fig, axes = new_figure(ncols=5, width=15.0, height=3.4)
    spectrum, adapters, *blocks = axes
    mean = np.exp(np.log(kernels.spectrum.clip(1e-300)).mean("seed"))
    number = np.arange(1, kernels.sizes["value"] + 1)
    lines = [("FT", "P", "P, every start")] + [(str(start), "F", f"F, {start}") for start in kernels.start.values]
    for i, (start, kernel, words) in enumerate(lines):
        values = mean.sel(start=start, kernel=kernel).values
        spectrum.plot(number, values / values[0], color=COLOURS[i], ls=LINESTYLES[i], label=words)
    spectrum.set(
        xscale="log", yscale="log", ylim=(1e-8, 1.5), xlabel="number of the singular value", ylabel="over the largest"
    )
    spectrum.legend(fontsize=7)
    ranks = kernels.adapter_rank.values
    errors = kernels.adapter_error.transpose("adapter_rank", "draw")
    draw_range(adapters, ranks, errors, "draw", color=COLOURS[0], marker="o", label="mean and range of draws")
    draw_guide(adapters, ranks, float(errors.isel(adapter_rank=0).mean()), -0.5, "inverse root")
    adapters.set(xscale="log", yscale="log", xlabel="rank of the adapters", ylabel="relative error of their kernel")
    tick_at(adapters, ranks)
    adapters.legend(fontsize=7)
    edges = np.flatnonzero(np.diff(kernels.class_of.values)) + 0.5
    for axis, (start, part) in zip(blocks, BLOCKS):
        values = kernels.trace.sel(start=start, part_of_kernel=part).values
        limit = np.abs(values).max()
        image = axis.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        for edge in edges:
            axis.axhline(edge, color="black", lw=0.6)
            axis.axvline(edge, color="black", lw=0.6)
        axis.set(title=f"{part}, {start} start", xlabel="document", ylabel="document")
        axis.grid(False)
        fig.colorbar(image, ax=axis, shrink=0.8)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
