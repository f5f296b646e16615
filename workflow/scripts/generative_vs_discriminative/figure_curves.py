"""Figure: exact error against number of samples, two classes, at the smallest and the largest number of features."""

import numpy as np

from lib.atlas.job.figure import REFERENCE, new_figure, panel_labels
from lib.drawing.classifiers import probe_style
from lib.stats.intervals import estimate_mean

FLOOR = 1e-4  # of the logarithmic axis


def figure(easy):
    """Return the figure; filled marks have all draws, open ones those of the search."""
    dims = [int(easy.dim.values[0]), int(easy.dim.values[-1])]
    fig, axes = new_figure(ncols=2, width=8.4, height=3.9, sharey=True)
    sizes = easy.m.values
    for axis, dim in zip(axes, dims):
        for estimator in easy.estimator.values:
            one = easy.sel(dim=dim, estimator=estimator).isel(matrix=0)
            errors = one.error.transpose("draw", "step").values
            if np.isnan(errors).all():
                continue
            style = probe_style(str(estimator))
            some, all_draws = ~np.isnan(errors).all(axis=0), ~np.isnan(errors).any(axis=0)
            means = np.nanmean(errors[:, some], axis=0)
            axis.plot(sizes[some], means.clip(FLOOR), **style | {"marker": None, "lw": 0.8, "label": None})
            few = some & ~all_draws
            axis.plot(
                sizes[few], means[~all_draws[some]].clip(FLOOR), ls="none", marker=style["marker"], mfc="white",
                color=style["color"],
            )  # fmt: skip
            if all_draws.any():
                value, _, low, high, _ = estimate_mean(errors[:, all_draws])
                spread = [value - low.clip(FLOOR), high - value]
                axis.errorbar(sizes[all_draws], value.clip(FLOOR), np.maximum(spread, 0), **style | {"ls": "none"})
        axis.axhline(float(easy.target.sel(dim=dim, estimator="nb").isel(matrix=0)), **REFERENCE)
        axis.set(xscale="log", yscale="log", xlabel="samples m", title=f"K = {easy.attrs['classes']}, n = {dim}")
        axis.set_ylim(FLOOR, 0.5)
    axes[0].set_ylabel("exact error")
    axes[1].legend(fontsize=7.5)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
