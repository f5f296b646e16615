"""Figure: error against the sparsity."""

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.private import STYLES
from lib.drawing.ranges import draw_guide, draw_means, tick_at


def figure(by_k, by_k_spread, rounds_k, paper_k):
    """Return the figure; guides have the paper's slopes."""
    fig, axes = new_figure(ncols=3, width=10.0, height=3.6)
    left, middle, right = axes
    for axis, store, title in (
        (left, by_k, "equal entries, d = 12, n = 6.4e10"),
        (middle, by_k_spread, "one entry .5, d = 64, n = 6.4e11"),
    ):
        for method in ("classical", "public"):
            for name, fill, words in (("total", None, ""), ("oracle", "white", ", best threshold")):
                values = store[name].sel(estimator=method).transpose("point", "seed").values
                style = {**STYLES[method], "label": STYLES[method]["label"] + words}
                draw_means(axis, store.sparsity.values, values, **style, mfc=fill or style["color"])
        start = float(store.total.sel(estimator="classical").isel(point=0).mean())
        draw_guide(axis, store.sparsity.values, start * 1.2, 0.5, "slope 1/2")
        axis.set(title=title)
    for variant in ("ours", "l1"):
        values = rounds_k.total.sel(variant=variant).transpose("point", "seed").values
        draw_means(right, rounds_k.sparsity.values, values, **STYLES[variant])
    values = paper_k.total.sel(variant="paper").transpose("point", "seed").values
    draw_means(right, paper_k.sparsity.values, values, **STYLES["paper"])
    draw_guide(
        right, rounds_k.sparsity.values, float(rounds_k.total.sel(variant="ours").isel(point=0).mean()), 1, "slope 1"
    )
    right.set(title="d = 128, n = 1e11; paper's: d = 512, n = 1e12")
    for axis, store in zip(axes, (by_k, by_k_spread, rounds_k)):
        axis.set(xscale="log", yscale="log", xlabel="sparsity k", ylabel="ℓ2 error")
        tick_at(axis, store.sparsity.values)
        axis.legend(fontsize=6, loc="upper left")
        axis.title.set_size(8)
        axis.set_ylim(None, axis.get_ylim()[1] * 5)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
