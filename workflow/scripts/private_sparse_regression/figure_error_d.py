"""Figure: error against the dimension, without interaction, with public features, with interaction."""

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.private import STYLES
from lib.drawing.ranges import draw_guide, draw_means, tick_at


def figure(by_d, by_d_wide, by_d_public, rounds_d):
    """Return the figure; guides have the paper's slopes."""
    fig, axes = new_figure(ncols=3, width=10.0, height=3.6)
    left, middle, right = axes
    for axis, store, title in (
        (left, by_d_wide, "n = 6.4e11"),
        (middle, by_d_public, "n = 6.4e10, 1e9 public rows"),
    ):
        for method in ("classical", "tight", "pure", "public"):
            values = store.total.sel(estimator=method).transpose("point", "seed").values
            draw_means(axis, store.dim.values, values, **STYLES[method])
        axis.set(title=title)
        start = float(store.total.sel(estimator="classical").isel(point=0).mean())
        draw_guide(axis, store.dim.values, start * 0.8, 1, "slope 1")
        start = float(store.total.sel(estimator="public").isel(point=0).mean())
        draw_guide(axis, store.dim.values, start * 0.8, 0.5, "slope 1/2")
    chosen = by_d.total.sel(estimator="classical").transpose("point", "seed").values
    draw_means(left, by_d.dim.values, chosen, **{**STYLES["classical"], "label": "same, d = 4 to 16", "mfc": "white"})
    for variant in ("ours", "l1", "one_round"):
        values = rounds_d.total.sel(variant=variant).transpose("point", "seed").values
        draw_means(right, rounds_d.dim.values, values, **STYLES[variant])
    start = float(rounds_d.total.sel(variant="ours").isel(point=0).mean())
    draw_guide(right, rounds_d.dim.values, start * 0.8, 0.5, "slope 1/2")
    right.set(title="interaction, n = 1e9")
    for axis, store in zip(axes, (by_d_wide, by_d_public, rounds_d)):
        axis.set(xscale="log", yscale="log", xlabel="features d", ylabel="ℓ2 error")
        tick_at(axis, store.dim.values)
        axis.legend(fontsize=6)
    left.set_xticks([4, 8, 16, 32, 64], ["4", "8", "16", "32", "64"])
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
