"""Figure: draws and errors of conditioned designs, and failures of independent points against their bound."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.sampling.designs import LABELS
from lib.stats.intervals import binomial_error, estimate_mean

STYLE = {name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8]} for i, name in enumerate(LABELS)}


def figure(conditioning):
    """Return the figure: tries, mean square errors and their bound, failures."""
    fig, axes = new_figure(ncols=3, width=12.0, height=3.7)
    n = conditioning.n.values
    for k, name in enumerate(conditioning.strategy.values):
        run = conditioning.sel(strategy=name)
        at = n * 1.02 ** (k - 1)
        tries, error, free = run.tries.values, run.square_error.values, run.free_square_error.values
        axes[0].errorbar(
            at, *estimate_mean(tries, axis=-1)[:2], ls="none", mfc="white", label=LABELS[name], **STYLE[name]
        )
        with np.errstate(divide="ignore"):
            axes[0].plot(at, 1 / (1 - run.failure.values), color=STYLE[name]["color"], ls=LINESTYLES[k])
        axes[1].errorbar(
            at,
            *estimate_mean(error, axis=-1)[:2],
            ls=LINESTYLES[k],
            label=f"{LABELS[name]}, conditioned",
            **STYLE[name],
        )
        mean, se, *_ = estimate_mean(free, axis=-1)
        axes[1].errorbar(
            at, mean, np.minimum(se, 0.9 * mean), ls="none", mfc="white", label=f"{LABELS[name]}, free", **STYLE[name]
        )
        axes[1].plot(at, run.bound.values, "_", ms=14, mew=1.6, color=STYLE[name]["color"])
    axes[0].plot([], [], color="black", label="1 / (1 - η)")
    axes[1].plot([], [], "_", ms=14, mew=1.6, color="black", label="bound, conditioned")
    axes[1].axhline(1, **REFERENCE)
    axes[0].set(ylabel="draws until accepted", yscale="log", title="cost of rejection")
    axes[1].set(ylabel="mean of (error / $e_m$)$^2$", yscale="log", title="mean square error")
    bound_n, failure = conditioning.bound_n.values, conditioning.iid_failure.values
    axes[2].errorbar(
        bound_n,
        failure,
        binomial_error(failure, conditioning.draws),
        mfc="white",
        label="measured",
        ls="none",
        **STYLE["iid"],
    )
    axes[2].plot(bound_n, conditioning.iid_bound, label="bound $m e^{-n c / m}$", **REFERENCE)
    axes[2].set(ylabel=f"Pr($\\lambda_{{\\min}}$ < {1 - conditioning.delta:g})", title="independent optimal points")
    for axis in axes[:2]:
        axis.set(xscale="log")
        axis.set_xticks(n, [str(v) for v in n])
        axis.minorticks_off()
    for axis in axes:
        axis.set_xlabel("number of points n")
        axis.legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
