"""Figure: test accuracy of classifiers of digits against the directions of one layer that stay."""

import numpy as np

from lib.atlas.job.figure import REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import tick_at
from lib.drawing.styles import styles_of
from lib.stats.intervals import estimate_mean

WORDS = {"local": "local interaction basis", "pca": "principal components", "gradient": "gradients alone"}


def figure(digits):
    """Return the figure."""
    layers = list(digits.layer.values)
    fig, axes = new_figure(ncols=len(layers), width=3.2 * len(layers), height=3.3, sharey=True)
    styles = styles_of(WORDS)
    for axis, layer in zip(axes, layers):
        for name, style in styles.items():
            curve = digits.curve.sel(drawn=name, layer=layer).values
            known = np.isfinite(curve).all(axis=0)
            mean, _, low, high, _ = estimate_mean(curve[:, known])
            kept = digits.kept.values[known]
            axis.errorbar(kept, mean, [mean - low, high - mean], ms=3, **style)
        axis.axhline(float(digits.accuracy.mean()) - 0.01, **REFERENCE)
        axis.set(xscale="log", xlabel="directions that stay", title=layer)
        tick_at(axis, [k for k in (1, 2, 4, 8, 16, 32, 64) if k <= digits.kept.values[known].max()])
    axes[0].set_ylabel("test accuracy")
    axes[-1].legend(fontsize=7, loc="lower right")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
