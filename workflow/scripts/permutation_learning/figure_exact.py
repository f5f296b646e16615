"""Figure: share of ensembles that are right on every input with two ones and more, against their size."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure
from lib.stats.intervals import estimate_proportion


def figure(sampled, ensembles):
    """Return the figure."""
    fig, axis = new_figure(width=8.0, height=4.0)
    colours = {}
    for i, case in enumerate(sampled.case.values):
        one = sampled.sel(case=case)
        colours[str(one.kernel.values), int(one["size"])] = COLOURS[i % len(COLOURS)]
        order = np.argsort(one.models.values)
        share = one.right.values[order] / int(one.ensembles)
        style = {"color": COLOURS[i % len(COLOURS)]}
        words = str(case).replace("last_layer", "last layer").replace("ntk", "both layers")
        axis.plot(one.models.values[order], share, "-", label=f"limit, {words}", **style)
        axis.plot(one.models.values[order], 1 - np.minimum(one.bound.values[order], 1), ":", **style)
    axis.plot([], [], "k:", label="1 − union bound")
    for case in ensembles.case.values:
        one = ensembles.sel(case=case)
        key = (str(one.kernel.values), int(one["size"]))
        midpoint = str(one.threshold.values) == "midpoint"
        for part, models in (("all", int(one.models)), ("half", int(one.models) // 2)):
            if midpoint and part == "half":
                continue
            right = one.right.sel(part=part).values
            right = right[np.isfinite(right)]
            mean, _, low, high, _ = estimate_proportion(int(right.sum()), len(right))
            style = {"color": colours.get(key, "k"), "mfc": "white", "fmt": "D" if midpoint else "o"}
            label = f"trained, rounded at the midpoint, k = {key[1]}" if midpoint else None
            axis.errorbar(models, mean, [[mean - low], [high - mean]], label=label, **style)
    axis.errorbar([], [], [], fmt="o", color="k", mfc="white", label="trained networks")
    axis.set(xscale="log", xlabel="networks in the ensemble", ylabel="share of ensembles right everywhere")
    axis.set_ylim(-0.03, 1.03)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
