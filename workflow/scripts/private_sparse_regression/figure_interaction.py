"""Figure: interaction against none, where the covariance is unknown and where it is known."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, draw_means, tick_at
from lib.stats.intervals import estimate_ratio

NAMES = {
    "pure_oracle": "no interaction, best threshold",
    "pure": "no interaction, theory's threshold",
    "rounds": "25 rounds",
    "few_rounds": "8 rounds",
    "one_round": "one round, covariance known",
}


def figure(interaction):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.8)
    dims = interaction.dim.values
    styles = {
        name: {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k % 4], "label": words}
        for k, (name, words) in enumerate(NAMES.items())
    }
    unknown, known = (
        interaction.error.sel(design=design).transpose("estimator", "dim", "seed")
        for design in ("arsign", "rademacher")
    )
    for name in ("pure_oracle", "pure"):
        ratios = [
            estimate_ratio(*(unknown.sel(estimator=m).values[j] for m in (name, "rounds"))) for j in range(len(dims))
        ]
        value, low, high = (np.array([getattr(one, part) for one in ratios]) for part in ("value", "low", "high"))
        left.errorbar(dims, value, [value - low, high - value], **styles[name])
        if name == "pure_oracle":
            draw_guide(left, dims, value[0], 0.5, "slope 1/2")
    left.axhline(1, **REFERENCE)
    left.set(ylabel="error over that of 25 rounds", title="covariance unknown (arsign)")
    for name in ("one_round", "few_rounds", "rounds", "pure_oracle"):
        draw_means(right, dims, known.sel(estimator=name).values, **styles[name])
    right.set(ylabel="ℓ2 error", title="covariance is the identity")
    for axis in (left, right):
        axis.set(xscale="log", yscale="log", xlabel="features d")
        tick_at(axis, dims)
        axis.legend(fontsize=7)
    left.set_yticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
    left.set_yticks([], minor=True)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
