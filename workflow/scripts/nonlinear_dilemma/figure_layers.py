"""Figure: accuracy of single neurons, rotations and reversible networks by layer, a panel for each algorithm."""

import numpy as np

from lib.abstraction.causal import ALGORITHMS
from lib.abstraction.published import LAYERS
from lib.abstraction.tables import fit_table, main_rates
from lib.atlas.job.figure import COLOURS, new_figure
from lib.stats.intervals import estimate_mean

KINDS = {"neurons": "single neurons", "orthogonal": "rotation", "revnet": "reversible network"}


def figure(fits):
    """Return the figure."""
    rows = main_rates(fit_table(fits))
    rows = rows[(rows.snapshot == "trained") & ~rows.group.str.startswith("fitted")]
    deep = (rows["map"] != "revnet") | (
        rows.blocks == rows[rows["map"] == "revnet"].groupby("algorithm").blocks.transform("max").reindex(rows.index)
    )
    rows = rows[deep & (rows.stored.isin([0, rows.stored.max()]))]
    narrow = rows[rows["map"] == "revnet"].groupby("algorithm").hidden.transform("min").reindex(rows.index)
    rows = rows[(rows["map"] != "revnet") | (rows.hidden == narrow)]
    names = [name for name in ALGORITHMS if (rows.algorithm == name).any()]
    fig, axes = new_figure(ncols=len(names), width=max(3.4 * len(names), 4.2), height=3.6, sharey=True, squeeze=False)
    for axis, name in zip(axes[0], names):
        own = rows[rows.algorithm == name]
        default = own["size"].max() if (own["size"] == 0).sum() == 0 else 0
        for j, (kind, words) in enumerate(KINDS.items()):
            for layer in (1, 2, 3):
                part = own[(own["map"] == kind) & (own.place == layer) & (own["size"].isin([0, default]))]
                values = part.iia.to_numpy()
                if not len(values):
                    continue
                x = layer + 0.27 * (j - 1)
                label = words if layer == own[own["map"] == kind].place.min() else None
                axis.bar(
                    x,
                    values.mean(),
                    0.25,
                    color=COLOURS[j],
                    alpha=0.55,
                    label=label,
                    hatch=("", "//", "")[j],
                    edgecolor="white",
                )
                if len(values) > 1:
                    estimate = estimate_mean(values)
                    low, high = np.clip([estimate.low, estimate.high], 0, 1)
                    axis.errorbar(
                        x, estimate.value, [[estimate.value - low], [high - estimate.value]], color="0.3", lw=1
                    )
                axis.plot(np.full(len(values), x), values, ".", ms=3, color=COLOURS[j])
                axis.plot(x, values.max(), "^", ms=4, mfc="white", color=COLOURS[j])
                if (name, kind) in LAYERS:
                    axis.plot(
                        [x - 0.12, x + 0.12],
                        [LAYERS[name, kind][layer - 1]] * 2,
                        color="black",
                        lw=1.6,
                        label="paper, mean" if (j, layer) == (2, 1) else None,
                    )
        probe = own[own["map"] == "probe"].groupby("place").iia.mean()
        axis.plot(
            probe.index, probe, "x", color="black", ms=5, label="linear probe of the variables" if len(probe) else None
        )
        axis.axhline(own.majority.iloc[0], color="black", lw=0.8, ls="--")
        axis.set(xlabel="layer", title=ALGORITHMS[name].words, ylim=(0.4, 1.02), xticks=[1, 2, 3])
    axes[0, 0].set_ylabel("accuracy of interventions")
    entries = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels())}
    fig.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=min(len(entries), 5), fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
