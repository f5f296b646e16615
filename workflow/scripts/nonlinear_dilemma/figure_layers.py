"""Figure: accuracy of single neurons, rotations and reversible networks by layer, a panel for each algorithm."""

import numpy as np

from lib.abstraction.causal import ALGORITHMS
from lib.abstraction.published import LAYERS
from lib.abstraction.tables import fit_table, usual_fits
from lib.atlas.job.figure import COLOURS, new_figure
from lib.stats.intervals import estimate_mean

KINDS = {"neurons": "single neurons", "orthogonal": "rotation", "revnet": "reversible network"}
HATCHES = ("..", "//", "")


def _bar(axis, x: float, rows, j: int, label: str | None) -> None:
    """A bar over the networks with variables of half of the coordinates; fewer coordinates as numerals."""
    half = rows[rows["size"] == 0].iia.to_numpy()
    style = {"color": COLOURS[j], "alpha": 0.55, "hatch": HATCHES[j], "edgecolor": "white"}
    if len(half):
        axis.bar(x, half.mean(), 0.25, label=label, **style)
        axis.plot(np.full(len(half), x), half, ".", ms=3, color=COLOURS[j])
        axis.plot(x, half.max(), "^", ms=5, mfc="white", color=COLOURS[j])
    if len(half) > 1:
        mean, _, low, high, _ = estimate_mean(half)
        low, high = np.clip([low, high], 0, 1)
        axis.errorbar(x, mean, [[mean - low], [high - mean]], color="0.3", lw=1)
    for size, part in rows[rows["size"] > 0].groupby("size"):
        axis.plot(x, part.iia.mean(), marker=f"${size}$", ms=6, color="black", mew=0.3)


def figure(fits):
    """Return the figure."""
    rows = usual_fits(fit_table(fits))
    names = [name for name in ALGORITHMS if (rows.algorithm == name).any()]
    fig, axes = new_figure(ncols=len(names), width=max(3.4 * len(names), 4.2), height=3.6, sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names):
        own = rows[rows.algorithm == name]
        for j, (kind, words) in enumerate(KINDS.items()):
            part = own[own["map"] == kind]
            for layer in sorted(part.place.unique()):
                x = layer + 0.27 * (j - 1)
                _bar(axis, x, part[part.place == layer], j, words if layer == part.place.min() else None)
                if (name, kind) in LAYERS:
                    number = LAYERS[name, kind][layer - 1]
                    axis.plot([x - 0.12, x + 0.12], [number, number], "k-", lw=1.8, label="paper, mean")
        probe = own[own["map"] == "probe"].groupby("place").iia.mean()
        if len(probe):
            axis.plot(probe.index, probe, "x", color="black", ms=5, label="linear probe of the variables")
        axis.axhline(own.majority.iloc[0], color="black", lw=0.8, ls="--", label="constant answer")
        axis.set(xlabel="layer", title=ALGORITHMS[name].words, ylim=(0.4, 1.02), xlim=(0.5, 3.5), xticks=[1, 2, 3])
    axes[0, 0].set_ylabel("accuracy of interventions")
    entries = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels())}
    fig.legend(
        entries.values(),
        entries.keys(),
        loc="outside lower center",
        ncols=min(len(entries), 2 * len(names)),
        fontsize=7,
    )
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
