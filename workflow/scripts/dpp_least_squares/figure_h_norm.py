"""Figure: errors over their almost-sure bounds in stronger norms, and the tails without conditioning."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, REFERENCE, new_figure, panel_labels
from lib.regression.functions import FORMULAS

SHORT = {"iid": "i.i.d.", "vol": "volume"}


def _histogram(axis, values, bins, label, k):
    share = np.histogram(values, bins)[0] / len(values)
    axis.stairs(share, bins, color=COLOURS[k % 8], ls=LINESTYLES[k % 8], lw=1.4, label=label)


def figure(bounds):
    """Return the figure: histograms of the ratios, and the share of larger errors in the RKHS experiment."""
    fig, axes = new_figure(ncols=3, width=12.4, height=3.7)
    ratio = bounds.uniform_ratio
    bins = np.geomspace(float(ratio.min()) * 0.95, 1.2, 60)
    k = 0
    for function in bounds.function.values:
        for name in bounds.strategy.values:
            values = ratio.sel(function=function, strategy=name).values
            _histogram(axes[0], values, bins, f"{FORMULAS[function]}, {SHORT[name]}", k)
            k += 1
    axes[0].set(
        xlabel="error over bound, supremum norm", ylabel="share of designs", title="damped weights, conditioned"
    )
    bins = np.geomspace(float(bounds.kernel_ratio.min()) * 0.95, 1.2, 60)
    for k, name in enumerate(bounds.strategy.values):
        _histogram(axes[1], bounds.kernel_ratio.sel(control=name).values, bins, SHORT[name], k)
    axes[1].set(xlabel="error over bound, RKHS", ylabel="share of designs", title="density of the kernel, conditioned")
    for axis in axes[:2]:
        axis.axvline(1, label="bound", **REFERENCE)
        axis.set_xscale("log")
        axis.legend(fontsize=7, loc="upper right", bbox_to_anchor=(0.86, 1.0))
    axes[0].set_xlim(0.1, 1.3)
    axes[0].set_xticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
    axes[0].minorticks_off()
    for k, name in enumerate(bounds.control.values):
        error = np.sort(bounds.kernel_error.sel(control=name).values)
        label = f"{SHORT[name]}, conditioned" if name in SHORT else "uniform, not conditioned"
        axes[2].step(
            error, 1 - np.arange(len(error)) / len(error), where="pre", color=COLOURS[k], ls=LINESTYLES[k], label=label
        )
    axes[2].set(xscale="log", yscale="log", xlabel="$L^2$ error", ylabel="share of larger errors")
    axes[2].set_title(f"random functions of the RKHS, n = {bounds.n}")
    axes[2].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
