"""Figure: how often a random support violates the lemma, and what coefficients cost where it does not."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import tick_at
from lib.stats.intervals import estimate_proportion


def figure(lemma):
    """Return the figure: k = 4 against r with the bound; largest cost of each draw."""
    fig, (left, right) = new_figure(ncols=2, width=9.5, height=3.6)
    chosen = np.flatnonzero(lemma.sparsity.values == 4)
    chosen = chosen[np.argsort(lemma["size"].values[chosen])]
    sizes, draws = lemma["size"].values[chosen], lemma.sizes["draw"]
    for i, design in enumerate(lemma.design.values):
        hits = lemma.violated.sel(design=design).transpose("cell", "draw").values[chosen].sum(axis=1)
        share, _, low, high, _ = estimate_proportion(hits.astype(int), draws)
        left.errorbar(
            sizes * 1.03 ** (i - 2), share, [share - low, high - share], color=COLOURS[i], marker=MARKERS[i],
            ls=LINESTYLES[i], label=design,
        )  # fmt: skip
    grid = np.geomspace(sizes.min(), sizes.max(), 100)
    left.plot(grid, np.minimum(12 / (grid + 3), 1), label="bound", **REFERENCE)
    left.set(
        xscale="log", xlabel="columns of the preconditioner r", ylabel="share of draws that violate", title="k = 4"
    )
    tick_at(left, sizes)
    cell = lemma.cell.values[chosen[np.searchsorted(sizes, 32)]]
    names, rows = list(lemma.design.values), []
    for design in names:
        one = lemma.sel(design=design, cell=cell)
        rows.append(one.cost.values[one.violated.values == 0])
    for name in lemma.exact.values:
        one = lemma.sel(exact=name)
        rows.append(one.exact_cost.values[one.exact_violated.values == 0])
        names.append(f"{name}, exact")
    for i, values in enumerate(rows):
        right.plot(np.sort(values), i + np.linspace(-0.3, 0.3, len(values)), ".", ms=3, color=COLOURS[i % len(COLOURS)])
    right.axvline(1, **REFERENCE)
    right.set_yticks(range(len(names)), names)
    right.set(xlabel="largest cost over k |X w|", title=f"draws without violation, {cell}")
    right.invert_yaxis()
    left.legend(fontsize=7)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
