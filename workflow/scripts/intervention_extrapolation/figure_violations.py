"""Figure: identification and extrapolation where assumptions fail."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.points import draw_points

CELLS = {
    "wide, 2": "none",
    "noise 0.1": "noise .1",
    "noise 0.3": "noise .3",
    "one action": "k = 1 < d",
    "curved actions": "curved A",
}


def figure(identification, assumptions):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, width=11.0, height=3.6, gridspec_kw={"width_ratios": [1.2, 1, 1]})
    x = np.arange(len(CELLS))
    pairs = [identification.r2.sel(cell=name).dropna("seed").transpose("seed", "penalty").values for name in CELLS]
    for k, (penalty, label) in enumerate(((0, "no constraint"), (-1, "constraint"))):
        style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": "none", "ms": 4}
        for i, pair in enumerate(pairs):
            axes[0].plot(np.full(len(pair), i + 0.24 * k - 0.12), pair[:, penalty], label=None if i else label, **style)
    for i, pair in enumerate(pairs):
        axes[0].plot([i - 0.12, i + 0.12], pair[:, [0, -1]].T, color="0.6", lw=0.7, zorder=1)
    axes[0].set_xticks(x, list(CELLS.values()), fontsize=7)
    axes[0].set(ylabel="affine R² on fresh rows", xlabel="violation")
    axes[0].legend(loc="lower left")
    groups = [(law, place) for place in ("inside", "outside") for law in ("normal", "bounded")]
    values = [assumptions.bounded_error.sel(law=law, place=place).values for law, place in groups]
    draw_points(axes[1], values, [f"{law} V,\n{place}" for law, place in groups])
    axes[1].set(xlabel="squared error (outside: over variance)")
    groups = [(kind, place) for place in ("inside", "outside") for kind in ("right", "linear")]
    values = [assumptions.curved_error.sel(regressors=kind, place=place).values for kind, place in groups]
    draw_points(axes[2], values, [f"{kind} residual,\n{place}" for kind, place in groups])
    axes[2].set(xlabel="squared error where A acts by a curve")
    for axis in axes[1:]:
        axis.invert_yaxis()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
