"""Figure: draws and errors of conditioned designs, and failures of independent points against their bound."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import tick_at
from lib.sampling.designs import LABELS
from lib.stats.intervals import estimate_mean, estimate_proportion

STYLE = {name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8]} for i, name in enumerate(LABELS)}


def _draw_excess(axis, at, squares, **style) -> None:
    """Mean of error^2 / e_m^2 less 1 with 95 % intervals, whose lower ends may leave a logarithmic axis."""
    mean, _, low, high, _ = estimate_mean(squares - 1, axis=-1)
    axis.errorbar(at, mean, [mean - np.maximum(low, 0.1 * mean), high - mean], ls="none", **style)


def figure(conditioning):
    """Return the figure: tries, excess errors and their bound, failures."""
    fig, axes = new_figure(ncols=3, width=12.6, height=3.9)
    n = conditioning.n.values
    for k, name in enumerate(conditioning.strategy.values):
        run, style = conditioning.sel(strategy=name), STYLE[name]
        at = n * 1.05 ** (k - 1)
        mean, _, low, high, _ = estimate_mean(run.tries.values, axis=-1)
        axes[0].errorbar(at, mean, [mean - low, high - mean], ls="none", mfc="white", label=LABELS[name], **style)
        with np.errstate(divide="ignore"):
            axes[0].plot(at, 1 / (1 - run.failure.values), color=style["color"], ls=LINESTYLES[k])
        _draw_excess(axes[1], at / 1.012, run.free_square_error.values, mfc="white", **style)
        _draw_excess(axes[1], at * 1.012, run.square_error.values, label=LABELS[name], **style)
        axes[1].plot(at, run.bound.values - 1, "_", ms=16, mew=1.8, color=style["color"])
    axes[0].plot([], [], color="black", label="1 / (1 − η)")
    axes[1].plot([], [], "o", color="black", mfc="white", label="not conditioned")
    axes[1].plot([], [], "o", color="black", label="conditioned")
    axes[1].plot([], [], "_", ms=12, mew=1.8, color="black", label="bound, conditioned")
    axes[0].set(ylabel="draws until accepted", yscale="log", title="cost of rejection")
    axes[0].set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes[0].yaxis.set_minor_locator(axes[0].yaxis.get_major_locator())
    axes[1].set(ylabel="mean of (error / $e_m$)² − 1", yscale="log", title="excess error")
    for axis in axes[:2]:
        axis.set(xscale="log")
        tick_at(axis, n)
    axes[0].legend(fontsize=7)
    axes[1].legend(fontsize=7, ncols=2, loc="upper center")
    bottom, top = axes[1].get_ylim()
    axes[1].set_ylim(bottom, top * 8)  # room for the legend
    bound_n, failure = conditioning.bound_n.values, conditioning.iid_failure.values
    known = estimate_proportion(np.rint(failure * conditioning.draws), conditioning.draws)
    floor = 0.3 / conditioning.draws
    axes[2].errorbar(
        bound_n,
        np.maximum(failure, floor),
        [np.maximum(failure, floor) - np.maximum(known.low, floor), known.high - np.maximum(failure, floor)],
        ls="none",
        mfc="white",
        label="measured",
        **STYLE["iid"],
    )
    axes[2].plot(bound_n, conditioning.iid_bound, label="bound min(1, $m e^{-nc/m}$)", **REFERENCE)
    axes[2].set(yscale="log", ylabel=f"Pr($\\lambda_{{\\min}}$ < {1 - conditioning.delta:g})", ylim=(0.8 * floor, 2))
    axes[2].set_title("independent optimal points")
    axes[2].legend(fontsize=7)
    for axis in axes:
        axis.set_xlabel("number of points n")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
