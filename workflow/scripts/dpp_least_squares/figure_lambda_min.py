"""Figure: quantiles of the smallest eigenvalue of the Gram matrix against n."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.sampling.designs import LABELS
from lib.stats.intervals import binomial_error

STYLE = {name: {"color": COLOURS[i % 8], "marker": MARKERS[i % 8]} for i, name in enumerate(LABELS)}
LINES = {name: LINESTYLES[i % 8] for i, name in enumerate(LABELS)}


def figure(independent, volume, repeated):
    """Return the figure: median and 10-90 % quantiles on the left, probability of at least 1 - delta on the right."""
    fig, axes = new_figure(ncols=2, width=9.2, height=3.8)
    target = 1 - independent.delta
    runs = {s: run for run in (independent, volume, repeated) for s in run.strategy.values if not s.endswith("_cond")}
    for k, name in enumerate(name for name in LABELS if name in runs):
        low = runs[name].sel(strategy=name).lambda_min
        low = low.isel(n=np.flatnonzero(np.isfinite(low.isel(repetition=0).values)))
        n = low.n.values * 1.025 ** (k - 2.5)
        q = low.quantile([0.1, 0.5, 0.9], "repetition").values
        axes[0].errorbar(
            n, q[1], [q[1] - q[0], q[2] - q[1]], ls=LINES[name], mfc="white", label=LABELS[name], lw=1.1, **STYLE[name]
        )
        chance = (low >= target).mean("repetition").values
        se = binomial_error(chance, low.sizes["repetition"])
        axes[1].errorbar(n, chance, se, ls=LINES[name], mfc="white", label=LABELS[name], lw=1.1, **STYLE[name])
    axes[0].axhline(target, **REFERENCE)
    axes[0].set(xlabel="number of points n", ylabel="$\\lambda_{\\min}(G)$, median and 10-90 %", xscale="log")
    axes[0].set(ylim=(0, 1))
    axes[1].axhline(0.9, **REFERENCE)
    axes[1].set(xlabel="number of points n", xscale="log", ylim=(-0.02, 1.02))
    axes[1].set_ylabel(f"Pr($\\lambda_{{\\min}} \\geq$ {target:g})")
    ticks = [n for n in independent.n.values if n in (5, 10, 20, 30, 50, 100, 200)]
    for axis in axes:
        axis.set_xticks(ticks, [str(n) for n in ticks])
        axis.minorticks_off()
    axes[0].legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
