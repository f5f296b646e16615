"""Figure: constants of private hard thresholding, and lengths of gradients."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels
from lib.drawing.private import STYLES
from lib.drawing.ranges import draw_guide, draw_means


def figure(rounds_n, paper_n, radius):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.8)
    chosen = np.flatnonzero(rounds_n.epsilon.values == 1)
    values = rounds_n.total.sel(variant="ours").transpose("point", "seed").values[chosen]
    draw_means(left, rounds_n.users.values[chosen], values, **STYLES["ours"])
    draw_means(
        left,
        paper_n.users.values,
        paper_n.total.sel(variant="paper").transpose("point", "seed").values,
        **STYLES["paper"],
    )
    draw_guide(left, paper_n.users.values, float(paper_n.total.isel(point=0).mean()) * 0.8, -0.5, "slope −1/2")
    left.set(xscale="log", yscale="log", xlabel="users n", ylabel="ℓ2 error", title="d = 64, k = 2, ε = 1")
    position = np.arange(radius.sizes["kept"])
    for k, (name, words) in enumerate(
        (("earlier", "√d (2 + C), earlier"), ("corrected", "√d (√k' + 1 + C), corrected"))
    ):
        style = {"color": COLOURS[k], "label": f"longer than {words}"}
        right.bar(position + 0.4 * k - 0.2, 100 * radius[name], width=0.38, hatch="//" * k, **style)
    right.set_xticks(position, [str(k) for k in radius.kept.values])
    right.set(xlabel="entries k' of the iterate", ylabel="share of users (%)", title=f"{radius.attrs['users']} users")
    right.set_ylim(0, max(1.0, 130 * float(radius.earlier.max())))
    twin = [f"{value:.2f}" for value in radius.longest.values]
    for x, text, share in zip(position, twin, radius.earlier.values):
        right.annotate(f"longest {text}", (x, 100 * share), ha="center", va="bottom", fontsize=6, rotation=0)
    for axis in (left, right):
        axis.legend(fontsize=7, loc="upper right" if axis is left else "upper left")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
