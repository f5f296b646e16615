"""Figure: identification and reconstruction against the penalty."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels


def figure(extrapolation):
    """Return the figure; penalty 0 stands left of the others."""
    fig, axes = new_figure(ncols=3, width=10.5, height=3.3)
    penalty = extrapolation.penalty.values
    x = np.arange(len(penalty))
    chosen = np.searchsorted(penalty, extrapolation.chosen.values)
    relative = extrapolation.reconstruction / extrapolation.reconstruction.sel(penalty=0.0)
    for axis, values in zip(axes, (extrapolation.r2, relative, extrapolation.pvalue)):
        table = values.transpose("seed", "penalty").values
        axis.plot(x, table.T, color=COLOURS[0], lw=0.8, alpha=0.5)
        axis.plot(x, np.median(table, axis=0), color="black", lw=1.8, label="median")
        picked = table[np.arange(len(table)), chosen]
        axis.plot(chosen, picked, ls="none", marker="o", mfc="none", mec=COLOURS[1], ms=6, label="choice")
        axis.set_xticks(x, [f"{value:g}" for value in penalty])
        axis.set(xlabel="penalty λ")
    axes[0].set(ylabel="affine R² on fresh rows")
    axes[1].set(ylabel="reconstruction error over that at λ = 0")
    axes[1].axhline(1.2, **REFERENCE)
    axes[2].set(ylabel="p-value of the constraint", ylim=(-0.03, 1.03))
    axes[0].legend(loc="lower right")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
