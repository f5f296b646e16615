"""Figure: number of samples where features are weak, and for accurate means."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.classifiers import probe_style
from lib.drawing.ranges import tick_at
from lib.probing.mixtures import dilute_crossing, mean_accuracy_size
from lib.probing.sample_complexity import ErrorCurve, estimate_of, resample_crossing

WORDS = {"law": "drawn means", "fit": "naive Bayes, fitted"}


def figure(dilute, means, rng):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=8.4, height=3.8)
    axis, m = axes[0], dilute.m.values
    for estimator in dilute.estimator.values:
        rows = []
        for dim in dilute.dim.values:
            one = dilute.sel(dim=dim, estimator=estimator).isel(matrix=0)
            curve = ErrorCurve(m, one.error.transpose("draw", "step").values)
            crossing = resample_crossing(curve, float(one.target), rng)
            if np.isfinite(crossing.value):
                estimate = estimate_of(lambda value: value, crossing)
                rows.append([dim, estimate.value, estimate.value - estimate.low, estimate.high - estimate.value])
        if rows:
            dims, value, low, high = np.array(rows, float).T
            axis.errorbar(dims, value, np.nan_to_num([low, high], posinf=0.0).clip(0), **probe_style(str(estimator)))
    n = np.array([dilute.dim.values[0], dilute.dim.values[-1]], float)
    closed = [dilute_crossing(x, dilute.attrs["strength"], dilute.attrs["margin"]) for x in n]
    axis.plot(n, closed, label="closed form, leading order", **REFERENCE)
    axis.set(
        xscale="log", yscale="log", xlabel="features n", ylabel="samples m to come within .01", title="weak features"
    )
    tick_at(axis, dilute.dim.values)
    axis = axes[1]
    x = np.unique(np.logspace(np.log10(means.dim.values[0]), np.log10(means.dim.values[-1]), 60).astype(int))
    formula = [mean_accuracy_size(int(v), means.attrs["tolerance"], means.attrs["probability"]) for v in x]
    axis.plot(x, formula, label="formula", **REFERENCE)
    for k, (way, words) in enumerate(WORDS.items()):
        axis.plot(
            means.dim, means.m.sel(way=way), ls="none", marker=MARKERS[k], ms=7 - 3 * k, color=COLOURS[k], label=words
        )
    axis.set(
        xscale="log", xlabel="features n", ylabel="samples m", title="all means within .3 deviations, probability .9"
    )
    tick_at(axis, means.dim.values)
    for axis in axes:
        axis.legend(fontsize=7.5)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
