"""Figure: queries until the needle is played, and the share of secrets found by then."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels

LABELS = {
    "random": "random order",
    "design": "design, then its predictions",
    "elimination": "elimination of candidates",
    "leaky": "control that sees the errors",
}


def figure(near, far):
    """Return the figure: medians over secrets and packings, and success against queries in one packing of each kind."""
    fig, (left, right) = new_figure(ncols=2, width=9.4, height=3.8)
    for row, (store, words) in enumerate(((near, "2 ε hidden"), (far, "5 ε hidden"))):
        searched = np.flatnonzero((store.first_hit.sel(search="random").max(("packing", "secret")) > 0).values)
        sizes = store["size"].values
        left.plot(sizes, (store["count"].values.mean(0) + 1) / 2, color="0.6", lw=4, alpha=0.5, zorder=0,
                  label="(N + 1) / 2" if row == 0 else None)  # fmt: skip
        for k, (name, label) in enumerate(LABELS.items()):
            hits = store.first_hit.sel(search=name).isel(size=searched).astype(float)
            medians = hits.where(hits > 0).median(("packing", "secret"))
            left.plot(sizes[searched], medians, color=COLOURS[k], marker=MARKERS[k], ls=LINESTYLES[k], mfc="white",
                      label=label if row == 0 else None)  # fmt: skip
        left.annotate(words, (sizes[-1], (store["count"].values[:, -1].mean() + 1) / 2), (-4, 7),
                      textcoords="offset points", ha="right", fontsize=8)  # fmt: skip
    hits = near.first_hit.isel(size=-1, packing=0)
    total = int((hits.sel(search="random") > 0).sum())
    for k, (name, label) in enumerate(LABELS.items()):
        ordered = np.sort(hits.sel(search=name).values[:total])
        right.step(
            ordered, np.arange(1, total + 1) / total, where="post", color=COLOURS[k], ls=LINESTYLES[k], label=label
        )
    right.plot([0, total], [0, 1], label="q / N", **REFERENCE)
    left.set(xscale="log", yscale="log", xlabel="dimension s", ylabel="queries until the needle is played (median)")
    right.set(
        xlabel="distinct queries q",
        ylabel="share of secrets found",
        title=f"s = {near['size'].values[-1]}, N = {total}",
    )
    left.legend(fontsize=7, loc="center right", bbox_to_anchor=(1.0, 0.35))
    right.legend(fontsize=7, loc="lower right")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
