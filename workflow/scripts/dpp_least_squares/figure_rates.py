"""Figure: excess errors without conditioning, and lower tails of the smallest eigenvalue."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, draw_means, tick_at
from lib.regression.functions import FORMULAS
from lib.sampling.designs import LABELS

INDEX = {name: i for i, name in enumerate(LABELS)}


def figure(rates):
    """Return the figure: excess against n, excess of averages against their number, tails of lambda_min."""
    fig, axes = new_figure(ncols=3, width=12.0, height=3.7)
    volume = {"color": COLOURS[INDEX["vol"]], "marker": MARKERS[INDEX["vol"]]}
    n, r = rates.multiple.values * rates.m, rates.copies.values
    for axis, x, values in ((axes[0], n, rates.excess), (axes[1], r, rates.averaged_excess)):
        draw_means(axis, x, values.values, ls="none", label=LABELS["vol"], **volume)
        draw_guide(axis, x, float(values[0].mean()), -1, "slope −1, of the theorem")
        axis.set(xscale="log", yscale="log", ylabel="mean of |ĉ − c|² / $e_m$²")
        tick_at(axis, x)
        axis.legend(fontsize=7)
    axes[0].set(xlabel="number of points n", title=f"one projection, f = {FORMULAS[rates.function]}")
    points = rates.averaged_multiple * rates.m
    axes[1].set(xlabel="averaged projections r", title=f"mean of r projections, n = {points} each")
    m = rates.tail_size.values[-1]
    for k, multiple in enumerate(rates.tail_multiple.values):
        for name in rates.strategy.values:
            values = np.sort(rates.smallest.sel(tail_size=m, tail_multiple=multiple, strategy=name).values)
            axes[2].plot(
                values,
                np.arange(1, len(values) + 1) / len(values),
                color=COLOURS[INDEX[name]],
                ls=LINESTYLES[k],
                label=f"{LABELS[name]}, n = {multiple * m}",
            )
    axes[2].set(
        xscale="log", yscale="log", xlabel="t", ylabel="Pr($\\lambda_{\\min} \\leq$ t)", title=f"tails, m = {m}"
    )
    axes[2].set(xlim=(1e-6, 2), ylim=(3e-4, 60))
    axes[2].set_yticks([1e-3, 1e-2, 1e-1, 1])
    axes[2].legend(fontsize=7, ncols=2, loc="upper left")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
