"""Figure: size of the codes that hide s^delta eps, and the error of the Lasso at delta = 1."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import tick_at
from lib.stats.intervals import estimate_mean


def figure(codes, lasso):
    """Return the figure; the band in the right panel is the pass rule of the Lasso."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.8)
    for k, delta in enumerate(codes.delta.values):
        left.plot(codes.prime.values ** (1 - delta), codes.log_size.sel(delta=delta), color=COLOURS[k],
                  marker=MARKERS[k], ls=LINESTYLES[k], label=f"δ = {delta:g}")  # fmt: skip
    left.set(xlabel="$s^{1-δ}$", ylabel="log of the number of actions", title="codes of polynomials (formula)")
    left.legend()
    series = {"lasso": "Lasso", "norm": "interpolant of least norm"}
    for k, (name, label) in enumerate(series.items()):
        for e, error in enumerate(lasso.error.values):
            mean, _, low, high, _ = estimate_mean(lasso[name].sel(error=error).values)
            words = {"fair": "fair errors", "aligned": "errors along a feature"}[error]
            right.errorbar(lasso.sparsity.values * 1.05**e, mean, [mean - low, high - mean], color=COLOURS[k],
                           marker=MARKERS[2 * k + e], ls=LINESTYLES[e], label=f"{label}, {words}")  # fmt: skip
    right.axhspan(0.5, 2, color="0.93", zorder=0)
    right.set(xscale="log", yscale="log", xlabel="sparsity s", ylabel="l1 error over s ε")
    tick_at(right, lasso.sparsity.values)
    right.set_title(f"d = {lasso.attrs['dim']}, {lasso.attrs['queries']} queries")
    right.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
