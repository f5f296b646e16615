"""Figure: affine R² of representations against the strength of the action."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.ranges import draw_means
from lib.drawing.styles import styles_of

METHODS = {"mmr": "autoencoder, constraint", "plain": "autoencoder", "cca": "canonical directions", "pca": "PCA"}


def figure(identification):
    """Return the figure; cells of other settings are not drawn."""
    fig, axes = new_figure(ncols=2, width=8.4, height=3.6)
    styles = styles_of(METHODS)
    for axis, mixing in zip(axes, ("wide", "folded")):
        names = [str(name) for name in identification.cell.values if str(name).startswith(f"{mixing}, ")]
        cells = identification.sel(cell=names)
        values = {
            "mmr": cells.r2.isel(penalty=-1),
            "plain": cells.r2.sel(penalty=0.0),
            "cca": cells.linear.sel(estimator="cca"),
            "pca": cells.linear.sel(estimator="pca"),
        }
        for i, (name, value) in enumerate(values.items()):
            shift = 0.02 * (i - 1.5)
            draw_means(axis, cells.strength.values + shift, value.transpose("cell", "seed").values, **styles[name])
        axis.set(xlabel="strength α of the action", title=f"{mixing} mixing", xticks=np.unique(cells.strength.values))
    axes[0].set(ylabel="affine R² on fresh rows", ylim=(0.84, 1.005))
    axes[0].legend(fontsize=7, loc="lower right")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
