"""Figure: errors where an adversary chose the support, and where it is random."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels

NAMES = {
    "ours": "ours, fixed level",
    "ours_oracle": "ours, best level",
    "lasso": "Lasso",
    "forward": "forward selection",
    "brute_force": "all pairs",
}


def figure(supports):
    """Return the figure: every seed, open where the preconditioner has a column of the support."""
    fig, axes = new_figure(ncols=2, width=9.0, height=3.6, sharey=True)
    spread = np.linspace(-0.25, 0.25, supports.sizes["seed"])
    for axis, kind in zip(axes, supports.kind.values):
        one = supports.sel(kind=kind)
        hit = one.hit.values.astype(bool)
        for i, name in enumerate(NAMES):
            values = one.error.sel(estimator=name).values
            axis.plot(i + spread[~hit], values[~hit], "o", ms=3, color=COLOURS[i])
            axis.plot(i + spread[hit], values[hit], "o", ms=3, mfc="white", color=COLOURS[i])
            axis.hlines(np.median(values), i - 0.35, i + 0.35, color="black", lw=1.2)
        axis.axhline(supports.attrs["noise"] ** 2, **REFERENCE)
        axis.set_xticks(range(len(NAMES)), NAMES.values(), rotation=20, ha="right")
        axis.set(yscale="log", title=f"{kind} support")
    axes[0].set_ylabel("prediction error")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
