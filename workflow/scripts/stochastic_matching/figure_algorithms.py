"""Figure: policies on the trap and on random graphs, over the stochastic configuration program."""

import numpy as np
import xarray as xr

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.stats.intervals import estimate_mean


def figure(trap, heterogeneous, large):
    """Return the figure: bars with 95 % intervals, and Greedy over Balance graph by graph."""
    large = xr.concat(large, "graph")
    fig, (left, right) = new_figure(ncols=2, width=9.4, height=3.8)
    policies = list(trap.policy.values)
    on_trap = (trap.successes / trap.configuration).isel(graph=0).transpose("replicate", "policy").values
    small, many = (
        (store.successes.mean("replicate") / store.configuration).transpose("graph", "policy").values
        for store in (heterogeneous, large)
    )
    columns = ((on_trap, "trap"), (small, "random graphs"), (many, "large random graphs"))
    for k, (values, label) in enumerate(columns):
        mean, _, low, high, _ = estimate_mean(values)
        left.bar(np.arange(len(policies)) + 0.27 * (k - 1), mean, 0.25, yerr=[mean - low, high - mean],
                 color=COLOURS[k], label=label, hatch=("", "//", "..")[k], edgecolor="white")  # fmt: skip
    left.set_xticks(range(len(policies)), policies)
    left.set(ylabel="successes over the program", ylim=(0.5, 1.02))
    left.legend(fontsize=7, loc="upper left", ncols=3)
    balance, greedy = policies.index("balance"), policies.index("greedy")
    runs = heterogeneous.successes.astype(float).transpose("replicate", "graph", "policy").values
    difference = (runs[..., greedy] - runs[..., balance]) / heterogeneous.configuration.values
    mean, _, low, high, _ = estimate_mean(difference)
    order = np.argsort(mean)
    right.errorbar(range(len(order)), mean[order], [(mean - low)[order], (high - mean)[order]], color=COLOURS[0],
                   marker=MARKERS[0], ls="none", ms=3)  # fmt: skip
    right.axhline(0, **REFERENCE)
    right.set(xlabel="random graph, in order", ylabel="greedy − balance, over the program")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
