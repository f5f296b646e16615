"""Figure: accuracy over the settings of stage 2, and what the rate reduction of the clusters picks."""

import numpy as np

from lib.atlas.job.figure import new_figure


def figure(sweep):
    """Return the figure."""
    gammas = sweep.frobenius.values
    fig, axes = new_figure(ncols=len(gammas), width=4.6 * len(gammas), height=3.4, squeeze=False)
    best = np.unravel_index(int(np.nanargmax(sweep.reduction.values)), sweep.reduction.shape)
    for m, axis in enumerate(axes[0]):
        values = sweep.accuracy.isel(frobenius=m).values.T
        image = axis.imshow(values, vmin=0.5, vmax=1.0, origin="lower", aspect="auto")
        for j, i in np.ndindex(values.shape):
            axis.text(
                i, j, f"{values[j, i]:.3f}", ha="center", va="center", color="white" if values[j, i] < 0.85 else "black"
            )
        if best[2] == m:
            axis.plot(best[0], best[1], marker="o", ms=38, mfc="none", mec="#D55E00", mew=2)
        axis.set_xticks(range(sweep.sizes["eta"]), [f"{eta:g}" for eta in sweep.eta.values])
        axis.set_yticks(range(sweep.sizes["invariance"]), [f"{value:g}" for value in sweep.invariance.values])
        axis.set(xlabel="temperature of training", ylabel="weight of the similarity of views")
        axis.set_title(f"Frobenius weight {gammas[m]:g}")
        axis.grid(False)
        fig.colorbar(image, ax=axis, label="accuracy, seed 0", extend="min")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
