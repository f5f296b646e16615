"""Figure: 0-1 excess against logistic excess, over all functions and over a linear class."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.probing.consistency import CONSTANT, psi_inverse

POPULATIONS = {"xor": "four blobs", "sine": "sine on (−1, 1)"}


def figure(bound):
    """Return the figure; left pointwise excesses and means of trained models, right a class without gaps."""
    fig, axes = new_figure(ncols=2, width=8.8, height=3.9)
    axis = axes[0]
    line = np.logspace(-6.3, 2, 300)
    for k, size in enumerate(bound.K.values):
        one = bound.sel(K=size)
        chosen = one.zero_one.values > 0
        axis.plot(
            one.logistic.values[chosen], one.zero_one.values[chosen], ls="none", marker=MARKERS[k], ms=1.6, alpha=0.5,
            color=COLOURS[k], label=f"K = {size}", rasterized=True,
        )  # fmt: skip
    axis.plot(line, CONSTANT * np.sqrt(line), color="black", label="√(2 · excess)")
    axis.plot(line, psi_inverse(line), color="0.5", ls="--", label="sharp, Ψ⁻¹")
    axis.plot(
        bound.trained_logistic, bound.trained_zero_one, "x", color="black", ms=7, mew=2, label="trained models, means"
    )
    axis.set(xscale="log", yscale="log", xlim=(1e-5, 30), ylim=(1e-4, 3), title="all functions")
    axis = axes[1]
    for k, name in enumerate(bound.population.values):
        one = bound.sel(population=name)
        logistic = one.function_logistic - float(one.class_logistic)
        zero_one = one.function_zero_one - float(one.class_zero_one)
        axis.plot(
            logistic.clip(1e-6), zero_one, ls="none", marker=MARKERS[k], ms=3, color=COLOURS[k], label=POPULATIONS[name]
        )
    xor = bound.sel(population="xor")
    special = (bound.special_logistic - float(xor.class_logistic)).clip(1e-6)
    axis.plot(
        special,
        bound.special_zero_one - float(xor.class_zero_one),
        "*",
        color=COLOURS[6],
        ms=10,
        label="four blobs, h = x₁/100 and 0",
    )
    axis.plot(line, CONSTANT * np.sqrt(line), color="black", label="√(2 · excess), no gaps")
    axis.set(xscale="log", xlim=(5e-7, 30), ylim=(-0.03, 0.8), title="linear functions, excess over the best of them")
    for axis in axes:
        axis.set(xlabel="logistic excess (nats)", ylabel="0-1 excess")
        axis.legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
