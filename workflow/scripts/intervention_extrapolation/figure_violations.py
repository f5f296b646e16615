"""Figure: identification and extrapolation where assumptions fail."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.points import draw_points
from lib.stats.intervals import estimate_mean

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
    for k, (penalty, label) in enumerate(((-1, "constraint"), (0, "no constraint"))):
        means = []
        for name in CELLS:
            own = identification.r2.sel(cell=name).isel(penalty=penalty).values
            means.append(estimate_mean(own[np.isfinite(own)]))
        value, low, high = (np.array([getattr(one, part) for one in means]) for part in ("value", "low", "high"))
        style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": "none", "label": label}
        axes[0].errorbar(x + 0.14 * k - 0.07, value, [value - low, high - value], **style)
    axes[0].set_xticks(x, list(CELLS.values()), fontsize=7)
    axes[0].set(ylabel="affine R² on fresh rows", xlabel="violation")
    axes[0].legend(loc="lower left")
    groups = [(law, place) for place in ("inside", "outside") for law in ("normal", "bounded")]
    values = [assumptions.bounded_error.sel(law=law, place=place).values for law, place in groups]
    draw_points(axes[1], values, [f"{law} V,\n{place}" for law, place in groups])
    axes[1].set(xscale="log", xlabel="squared error (outside: over variance)")
    groups = [(kind, place) for place in ("inside", "outside") for kind in ("right", "linear")]
    values = [assumptions.curved_error.sel(regressors=kind, place=place).values for kind, place in groups]
    draw_points(axes[2], values, [f"{kind} residual,\n{place}" for kind, place in groups])
    axes[2].set(xscale="log", xlabel="squared error where A acts by a curve")
    for axis in axes[1:]:
        axis.invert_yaxis()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
