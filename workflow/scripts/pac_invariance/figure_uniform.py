"""Figure: the worst invariant head against training interventions and dimensions, and baselines."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.stats.intervals import estimate_mean


def _draw(axis, x, values, **style) -> None:
    """Means over models (axis 0) with 95 % intervals; an end at or below 0 is cut at a tenth of the mean."""
    mean, _, low, high, _ = estimate_mean(values)
    axis.errorbar(x, mean, [mean - np.maximum(low, mean / 10), high - mean], **style)


def figure(uniform, uniform_wide):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=10.5, height=3.6)
    numbers = uniform.number.values
    for k, d in enumerate(uniform.dim.values):
        style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k]}
        row = uniform.sel(dim=d).transpose("seed", "number", "estimator")
        _draw(left, numbers, row.worst.values, label=f"invariant heads, d = {d}", **style)
        style["mfc"] = "white"
        left.plot(numbers, row.pooled.mean("seed"), alpha=0.6, label=f"least squares, d = {d}", **style)
    start = float(uniform.worst.isel(number=0).mean())
    left.plot(numbers, start * numbers[0] / numbers, label="slope −1", **REFERENCE)
    left.set(xscale="log", yscale="log", xlabel="training interventions m", ylabel="share of unseen interventions")
    left.set_xticks(numbers, [str(m) for m in numbers])
    dims, number = uniform_wide.dim.values, int(uniform_wide.number.values[0])
    worst = uniform_wide.worst.isel(number=0).transpose("seed", "dim").values
    _draw(middle, dims, worst, color=COLOURS[0], marker=MARKERS[0], label="worst invariant head")
    bound = uniform_wide["rank"].mean("seed") / (number + 1)
    middle.plot(dims, bound, label="r / (m + 1)", **REFERENCE)
    middle.set(xscale="log", xlabel="covariates d", ylabel="share", title=f"equal coverage, m = {number}")
    middle.set_xticks(dims, [str(d) for d in dims])
    middle.set_ylim(0, None)
    dim = uniform.dim.values[min(1, uniform.sizes["dim"] - 1)]
    methods = [*map(str, uniform.estimator.values), "invariant heads"]
    row = uniform.sel(dim=dim).transpose("seed", "number", "estimator")
    columns = [*row.baseline.values.T, row.worst.values[:, -1]]
    for k, values in enumerate(columns):
        spread = np.linspace(-0.2, 0.2, len(values))
        right.plot(values, k + spread, ".", color=COLOURS[k % len(COLOURS)])
        right.plot(np.nanmean(values), k, "|", ms=22, color="black")
    right.set_yticks(range(len(methods)), methods)
    right.set(
        xlabel="share of unseen interventions", title=f"d = {dim}, m = {numbers[-1]}; bar: mean", xlim=(-0.03, 1.03)
    )
    for axis in (left, middle):
        axis.set_xticks([], minor=True)
        axis.legend(fontsize=6)
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
