"""Figure: the graph of interactions of one network with two planted modules, in three bases."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels

WORDS = {"neuron": "neurons", "pca": "principal components", "local": "local interaction basis"}
WEAKEST = 1e-3  # share of a layer's interaction of the weakest line


def figure(planted):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, width=10.5, height=3.6, sharey=True)
    for axis, name in zip(axes, planted.shown.values):
        shares, places = planted.drawn_share.sel(shown=name).values, []
        for row in shares:  # nodes of the first block above those of the second
            known = np.flatnonzero(np.isfinite(row))
            order = known[np.argsort(row[known], kind="stable")]
            place = np.full(len(row), np.nan)
            place[order] = (np.arange(len(order)) + 0.5) / len(order)
            places.append(place)
        for layer, strengths in enumerate(planted.drawn.sel(shown=name).values):
            for to, source in np.argwhere(strengths > WEAKEST):
                across = (shares[layer, source] > 0.5) != (shares[layer + 1, to] > 0.5)
                axis.plot(
                    [layer, layer + 1], [places[layer][source], places[layer + 1][to]],
                    color=COLOURS[1] if across else "0.55", zorder=1, solid_capstyle="butt",
                    lw=0.2 + 0.8 * np.log10(strengths[to, source] / WEAKEST),
                )  # fmt: skip
        for layer, row in enumerate(shares):
            drawn = axis.scatter(
                np.full(len(row), layer), places[layer], c=row, cmap="cividis", vmin=0, vmax=1, s=34,
                edgecolors="black", linewidths=0.6, zorder=2,
            )  # fmt: skip
        axis.set_title(WORDS[str(name)])
        axis.set_xticks(range(len(shares)), ["in", *range(1, len(shares) - 1), "out"])
        axis.set(xlabel="node layer", yticks=[])
        axis.grid(False)
    axes[0].plot([], [], color=COLOURS[1], label="between directions of different blocks")
    axes[0].plot([], [], color="0.55", label="within a block")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=2, fontsize=8)
    fig.colorbar(drawn, ax=axes, label="share in the first block", shrink=0.8)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
