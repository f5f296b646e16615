"""Figure: errors while the space grows."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.regression.functions import FORMULAS
from lib.sampling.designs import LABELS
from lib.stats.intervals import estimate_root_mean_square

STYLE = {name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8]} for i, name in enumerate(LABELS)}


def figure(growth):
    """Return the figure: rules m ln m for the next function, and 2m, 3m for the others."""
    functions = [f for f in growth.function.values if f != "next"]
    fig, axes = new_figure(ncols=1 + len(functions), width=4.0 * (1 + len(functions)), height=3.8)
    m = growth["size"].values
    logs = [r for r in growth.rule.values if "ln" in r]
    multiples = [r for r in growth.rule.values if "ln" not in r]
    for k, name in enumerate(growth.strategy.values):
        for i, rule in enumerate(logs):
            error = growth.error.sel(strategy=name, rule=rule, function="next").values
            rms, se, *_ = estimate_root_mean_square(error, axis=-1)
            axes[0].errorbar(
                m * 1.03 ** (k - 1),
                rms,
                np.minimum(se, 0.9 * rms),
                ls=LINESTYLES[i],
                mfc="white" if i else None,
                label=f"{LABELS[name]}, n = {rule.removeprefix('1 ')}",
                **STYLE[name],
            )
    axes[0].axhline(1, **REFERENCE)
    axes[0].set(ylabel="rms error / best error $e_m$", title="f: next basis function", ylim=(0.9, 30))
    axes[0].legend(fontsize=7)
    for axis, function in zip(axes[1:], functions):
        best = growth.best_error.sel(function=function).values
        for k, name in enumerate(growth.strategy.values):
            for i, rule in enumerate(multiples):
                error = growth.error.sel(strategy=name, rule=rule, function=function).values
                rms = estimate_root_mean_square(error, axis=-1).value
                axis.plot(
                    m * 1.03 ** (k - 1),
                    best * rms,
                    ls=LINESTYLES[i],
                    mfc="white" if i else None,
                    label=f"{LABELS[name]}, n = {rule}",
                    **STYLE[name],
                )
        axis.plot(m, best, label="best error $e_m$", **REFERENCE)
        axis.set(ylabel="rms $L^2$ error", title=f"f = {FORMULAS[function]}")
    axes[1].legend(fontsize=7, loc="lower left")
    for axis in axes:
        axis.set(xscale="log", yscale="log", xlabel="number of functions m")
        axis.set_xticks(m, [str(v) for v in m])
        axis.minorticks_off()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
