"""Figure: training losses of the three architectures, and the difference of the two forms of one operator."""

import numpy as np

from lib.atlas.job.figure import LINESTYLES, new_figure


def smooth(values, width: int):
    """Running mean along the last axis."""
    kernel = np.ones(width) / width
    return np.apply_along_axis(lambda row: np.convolve(row, kernel, "valid"), -1, values)


def figure_loss(tnl_chunked, tnl_quadratic, softmax):
    """Return the figure."""
    figure, (left, right) = new_figure(2, 1, width=8.6, height=3.5)
    base = tnl_chunked["size"].values[0]
    runs = {"TransNormer, blocks": tnl_chunked, "TransNormer, left product": tnl_quadratic, "softmax": softmax}
    steps = tnl_chunked.sizes["step"]
    width = max(1, steps // 20)
    place = np.arange(steps - width + 1) + width
    for i, (label, run) in enumerate(runs.items()):
        models = run.isel(model=np.flatnonzero(run["size"].values == base))
        curves = smooth(models.loss.values, width)
        final = float(models.validation.median())
        left.fill_between(place, curves.min(0), curves.max(0), color=f"C{i}", alpha=0.2, linewidth=0)
        left.plot(place, np.median(curves, 0), label=f"{label}, validation {final:.3f}", linestyle=LINESTYLES[i])
    left.set_xlabel("training step")
    left.set_ylabel("training loss (nats per character)")
    left.legend()
    left.set_title(f"median and range of {len(models.model)} seeds, mean of {width} steps")
    gap = np.abs(tnl_chunked.loss.values - tnl_quadratic.loss.values)
    for row, name, seed in zip(gap, tnl_chunked["size"].values, tnl_chunked.seed.values):
        right.plot(np.arange(1, steps + 1), np.maximum(row, 1e-8), linewidth=0.8, label=f"{name}, seed {seed}")
    right.axhline(0.001, color="black", linestyle=(0, (4, 2)), linewidth=1.0)
    right.annotate("published difference, 0.4B model", (steps, 0.0012), ha="right", va="bottom", fontsize=7.5)
    right.set_yscale("log")
    right.set_xlabel("training step")
    right.set_ylabel("difference of the two forms (nats)")
    right.legend()
    return figure


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure_loss, snakemake)
