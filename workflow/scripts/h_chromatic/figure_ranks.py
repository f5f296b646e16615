"""Figure: ranks of multipartite self-functions, of fixed targets that are not complete, and of fixed sources."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels


def figure(bases, sources):
    """Return the figure: three panels."""
    fig, axes = new_figure(ncols=3, width=11.4, height=3.6)
    rank = bases.multipartite_rank
    axes[0].plot(bases.degree, rank.sel(what="partitions"), label="number of partitions p(n)", **REFERENCE)
    axes[0].plot(
        bases.degree, rank.sel(what="rank"), "o", color=COLOURS[0], mfc="white", label="rank, complete multipartite"
    )
    axes[0].set(xlabel="degree n", ylabel="rank", xticks=bases.degree.values)
    target = bases.target_rank.values
    pairs = sorted({(n, size) for n, size, _, _ in target.tolist()})
    shares = []
    for n, size in pairs:
        at = target[(target[:, 0] == n) & (target[:, 1] == size)]
        full = int((at[:, 2] == at[:, 3]).sum())
        shares.append((full, len(at)))
    axes[1].bar(range(len(pairs)), [a / b for a, b in shares], color=COLOURS[2], ec="black", lw=0.6)
    for i, (a, b) in enumerate(shares):
        axes[1].annotate(f"{a}/{b}", (i, a / b), (0, 2), textcoords="offset points", ha="center")
    axes[1].set_xticks(range(len(pairs)), [f"{n}, {size}" for n, size in pairs])
    axes[1].set(xlabel="degree n, vertices of H", ylabel="non-complete H of full rank, fraction", ylim=(0, 1.1))
    for n in sorted(set(sources.vertices.values.tolist())):
        values, counts = np.unique(sources["rank"].values[sources.vertices.values == n], return_counts=True)
        axes[2].scatter(
            np.full(len(values), n), values, s=6 + 90 * counts / counts.sum(), color="#bbbbbb", ec="#666666"
        )
    axes[2].scatter([], [], s=40, color="#bbbbbb", ec="#666666", label="all graphs (area: share)")
    for i, family in enumerate(sources.family.values):
        axes[2].plot(
            sources["size"],
            sources.named_rank.sel(family=family),
            MARKERS[i] + "-",
            color=COLOURS[i],
            lw=0.8,
            label=family,
        )
    axes[2].plot(sources["size"], sources.named_partitions, label="p(n)", **REFERENCE)
    axes[2].set(xlabel="vertices n of the fixed source", ylabel="dimension over all targets")
    axes[2].set_xticks(sources["size"].values)
    axes[0].legend()
    axes[2].legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
