"""Figure: error against epsilon, for four ways to release the moments."""

from lib.atlas.job.figure import new_figure
from lib.drawing.private import STYLES
from lib.drawing.ranges import draw_guide, draw_means, tick_at


def figure(by_eps):
    """Return the figure; the guide has the paper's slope."""
    fig, axis = new_figure(width=5.0, height=3.8)
    for method in by_eps.estimator.values:
        values = by_eps.total.sel(estimator=method).transpose("point", "seed").values
        draw_means(axis, by_eps.epsilon.values, values, **STYLES[str(method)])
    start = float(by_eps.total.sel(estimator="classical").isel(point=0).mean())
    draw_guide(axis, by_eps.epsilon.values, start * 0.8, -1, "slope −1")
    axis.set(xscale="log", yscale="log", xlabel="ε of each user", ylabel="ℓ2 error", title="d = 8, k = 2, n = 6.4e10")
    tick_at(axis, by_eps.epsilon.values)
    axis.legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
