"""Figure: votes of pixels for each class, and the residual."""

import numpy as np

from lib.atlas.job.figure import new_figure
from lib.drawing.pictures import draw_picture, draw_signed


def figure(classifiers):
    """Return the figure."""
    examples, classes = classifiers.sizes["example"], 10
    fig, axes = new_figure(ncols=classes + 1, nrows=examples, width=11, height=1.35 * examples + 0.4, squeeze=False)
    for row in range(examples):
        one = classifiers.isel(example=row)
        order = np.argsort(one.logits.values)[::-1]
        draw_picture(axes[row, 0], one.image.values, 0, 1)
        axes[row, 0].set_title(f"digit {int(one.label)}", fontsize=7)
        largest = float(np.abs(one.votes).max())
        for column, label in enumerate(order):
            axis = axes[row, column + 1]
            drawn = draw_signed(axis, one.votes.values[label], largest)
            y, r = float(one.logits[label]), float(one.residual_logits[label])
            axis.set_title(f"{label}: {y:.1f} =\n{y - r:+.1f} {r:+.1f}", fontsize=7)
        fig.colorbar(drawn, ax=axes[row, -1], shrink=0.8).ax.tick_params(labelsize=6)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
