"""Figure: time and memory of the scope against depth."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(cost):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(
        ncols=3, width=9.5, height=3.2, gridspec_kw={"width_ratios": [1.2, 0.6, 1.2]}
    )
    depth = cost.depth.values
    for k, (name, label) in enumerate((("forward", "scope, one probe"), ("tangent", "forward-mode product"))):
        values = cost[name].values
        middle_value = np.median(values, axis=1)
        low, high = np.quantile(values, [0.25, 0.75], axis=1)
        left.errorbar(
            depth * (1 + 0.04 * k), middle_value, [middle_value - low, high - middle_value],
            fmt=f"{MARKERS[k]}-", color=COLOURS[k], label=label,
        )  # fmt: skip
    left.axhline(3, **REFERENCE)
    left.set(xlabel="layers", ylabel="CPU time over a plain pass", ylim=(0, None), xticks=depth)
    left.legend()
    rows = cost["rows"].values
    middle.plot(np.zeros(len(rows)), rows, "o", color=COLOURS[0])
    middle.axhline(1.2, **REFERENCE)
    middle.set(
        xticks=[0], xticklabels=["all rows"], xlim=(-0.5, 0.5), ylim=(0, None), ylabel="CPU time over reverse mode"
    )
    for k, way in enumerate(cost.way.values):
        right.plot(depth, cost.peak.sel(way=way), f"{MARKERS[k]}-", color=COLOURS[k], label=str(way))
    right.set(xlabel="layers", ylabel="peak memory (activations)", ylim=(0, None), xticks=depth)
    right.legend()
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
