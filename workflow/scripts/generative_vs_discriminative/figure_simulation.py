"""Figure: number of samples against number of features, on the paper's mixture and where features depend."""

import numpy as np

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.classifiers import probe_style
from lib.drawing.ranges import tick_at
from lib.probing.sample_complexity import ErrorCurve, estimate_of, resample_crossing

ESTIMATORS = ("nb", "lr", "lr_exact", "lr_scaled")


def _estimates(store, estimator: str, rng, matrix: int = 0):
    """Numbers of features that were searched, and estimates of the number of samples at each."""
    dims, estimates = [], []
    for dim in store.dim.values:
        one = store.sel(dim=dim, estimator=estimator).isel(matrix=matrix)
        curve = ErrorCurve(store.m.values, one.error.transpose("draw", "step").values)
        crossing = resample_crossing(curve, float(one.target), rng)
        if np.isfinite(crossing.value):
            dims.append(int(dim))
            estimates.append(estimate_of(lambda m: m, crossing))
    return np.array(dims), estimates


def figure(easy, hard, rng):
    """Return the figure; a panel for each number of classes, and one for the hard setting."""
    fig, axes = new_figure(ncols=len(easy) + 1, width=3.5 * (len(easy) + 1), height=3.9, sharey=True)
    for axis, store in zip(axes, easy):
        classes = store.attrs["classes"]
        for estimator in ESTIMATORS:
            dims, estimates = _estimates(store, estimator, rng)
            if not len(dims):
                continue
            value, low, high = (np.array([getattr(e, name) for e in estimates]) for name in ("value", "low", "high"))
            spread = np.nan_to_num([np.maximum(value - low, 0), np.maximum(high - value, 0)], posinf=0.0)
            axis.errorbar(dims, value, spread, **probe_style(estimator))
            if estimator in ("nb", "lr"):
                single = store.single.sel(estimator=estimator).values
                x = np.full(len(single), store.attrs["single_dim"] * 0.88)
                axis.plot(x, single, "x", color=probe_style(estimator)["color"], ms=4)
        n = store.dim.values.astype(float)
        axis.plot(n, n, color="0.6", lw=0.9, label="n")
        axis.plot(n, 2 * classes * np.log2(n), color="0.6", lw=0.9, ls=":", label="2 K log₂ n")
        axis.set(title=f"K = {classes}", xlabel="features n")
    axis = axes[-1]
    for estimator in ESTIMATORS:
        style = probe_style(estimator) | {"lw": 0.8, "ms": 3.5}
        for matrix in range(hard.sizes["matrix"]):
            dims, estimates = _estimates(hard, estimator, rng, matrix)
            axis.plot(dims, [e.value for e in estimates], **style | ({"label": None} if matrix else {}))
    n = hard.dim.values.astype(float)
    axis.plot(n, n, color="0.6", lw=0.9)
    axis.set(title="K = 2, dependent features", xlabel="features n")
    for axis, store in zip(axes, [*easy, hard]):
        axis.set(xscale="log", yscale="log")
        tick_at(axis, store.dim.values)
    axes[0].set_ylabel("samples m to come within .01")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7.5)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
