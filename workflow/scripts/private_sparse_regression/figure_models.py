"""Figure: the price of privacy without it, in the central and in the local model."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure, panel_labels
from lib.drawing.ranges import draw_guide, draw_means, tick_at

NAMES = {"none": "no privacy", "central": "central, ε = 1", "classical": "local, ε = 1"}


def figure(models, peeling):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.8)
    for k, (method, words) in enumerate(NAMES.items()):
        values = models.total.sel(estimator=method).transpose("point", "seed").values
        style = {"color": COLOURS[k], "marker": MARKERS[k], "ls": LINESTYLES[k], "label": words}
        draw_means(left, models.dim.values, values, **style)
    start = float(models.total.sel(estimator="classical").isel(point=0).mean())
    draw_guide(left, models.dim.values, start * 0.8, 1, "slope 1")
    for k, (name, words) in enumerate(
        (("peeling", "peeling, ε = 1 central"), ("top", "largest coordinates, no privacy"))
    ):
        style = {"color": COLOURS[1 - k], "marker": MARKERS[1 - k], "ls": LINESTYLES[1 - k], "label": words}
        draw_means(right, peeling.dim.values, peeling[name].values, **style)
    left.set(yscale="log", title=f"same estimator, n = {models.users.values[0]:.0e}")
    right.set(ylim=(0, None), title=f"peeling, n = {peeling.attrs['rows']}")
    for axis, dims in ((left, models.dim.values), (right, peeling.dim.values)):
        axis.set(xscale="log", xlabel="features d", ylabel="ℓ2 error")
        tick_at(axis, dims)
        axis.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
