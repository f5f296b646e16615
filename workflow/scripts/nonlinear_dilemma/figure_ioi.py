"""Figure: alignment maps of language models by number of blocks, by split and by size of the model."""

import numpy as np
import pandas as pd

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels

COLUMNS = ["iia", "accuracy", "model", "map", "split", "blocks", "rate", "seed", "size"]


def _table(store) -> pd.DataFrame:
    rows = store.drop_dims("point").to_dataframe().reset_index()[COLUMNS]
    return rows.assign(model=rows.model.replace({"step0": "random", "step143000": "trained"}))


def figure(language, checkpoints=()):
    """Return the figure."""
    rows = pd.concat([_table(store) for store in (language, *checkpoints)], ignore_index=True)
    best = rows[rows["map"] == "orthogonal"].groupby(["size", "model", "split"])
    rows = pd.concat(
        [rows[rows["map"] != "orthogonal"], *(part[part.rate == part.rate[part.iia.idxmax()]] for _, part in best)]
    )
    fig, (left, middle, right) = new_figure(ncols=3, width=11.5, height=3.7)
    sizes = sorted(rows["size"].unique())
    kinds = [name for name in ("random", "trained") if (rows.model == name).any()]
    for j, model in enumerate(kinds):
        for k, size in enumerate(sizes):
            own = rows[(rows.model == model) & (rows["size"] == size) & (rows.split == "sentence")]
            if own.empty:
                continue
            mean = own.groupby("blocks").iia.mean()
            style = {"color": COLOURS[j], "marker": MARKERS[k]}
            left.plot(mean.index, mean, label=f"{model}, {size}", **style)
            left.plot(own.blocks, own.iia, ".", ms=4, color=COLOURS[j])
    left.axhline(0.5, color="0.6", lw=0.8, ls="--")
    left.set(xlabel="reversible blocks (0: rotation)", ylabel="accuracy, held-out sentences", ylim=(0.42, 1.03))
    left.legend(fontsize=7, loc="lower right")
    inset = left.inset_axes([0.14, 0.62, 0.36, 0.32])
    for seed in np.flatnonzero(
        (language["map"].values == "revnet")
        & (language.model.values == "random")
        & (language.split.values == "sentence")
    ):
        one = language.isel(fit=seed)
        x = np.linspace(0, float(one.steps), one.sizes["point"])
        inset.plot(
            x, one.loss, lw=0.8, color=COLOURS[0], alpha=0.4 + 0.6 * (int(one.blocks) == int(language.blocks.max()))
        )
    inset.axhline(np.log(2), color="0.5", lw=0.7, ls=":")
    inset.set_ylim(-0.05, 1.5)
    inset.set_xlabel("step", fontsize=6)
    inset.set_ylabel("loss (nat)", fontsize=6)
    inset.tick_params(labelsize=6)
    bars = rows[(rows["map"] == "revnet") & rows.model.isin(kinds)]
    largest = bars.groupby("split").blocks.max()
    for j, model in enumerate(kinds):
        for k, split in enumerate(("sentence", "name")):
            own = bars[(bars.model == model) & (bars.split == split) & (bars.blocks == largest.get(split, 0))]
            if len(own):
                x = j + 0.3 * (k - 0.5)
                middle.bar(x, own.iia.mean(), 0.28, color=COLOURS[k], alpha=0.6, hatch=("", "//")[k], edgecolor="white")
                middle.plot(np.full(len(own), x), own.iia, ".", color="0.2", ms=4)
    for k, split in enumerate(split for split in ("sentence", "name") if (bars.split == split).any()):
        middle.bar(
            [np.nan],
            [np.nan],
            color=COLOURS[k],
            alpha=0.6,
            hatch=("", "//")[k],
            edgecolor="white",
            label=f"{split}s held out",
        )
    middle.axhline(0.5, color="0.6", lw=0.8, ls="--")
    middle.set(
        xticks=range(len(kinds)),
        xticklabels=[f"{name} model" for name in kinds],
        ylim=(0.42, 1.1),
        ylabel="accuracy, reversible map",
    )
    middle.legend(fontsize=7, loc="upper right", ncols=2)
    for j, model in enumerate(kinds):
        for k, kind in enumerate(("orthogonal", "revnet")):
            own = rows[(rows.model == model) & (rows["map"] == kind) & (rows.split == "sentence")]
            own = own[own.blocks == own.groupby("size").blocks.transform("max")]
            mean = own.groupby("size").iia.mean().reindex(sizes)
            words = f"{model}, {('rotation', 'reversible map')[k]}"
            style = {"color": COLOURS[j], "marker": MARKERS[k], "ls": ("--", "-")[k], "mfc": ("white", COLOURS[j])[k]}
            right.plot(range(len(sizes)), mean, label=words, **style)
    for j, model in enumerate(kinds):
        able = rows[(rows.split == "sentence") & (rows.model == model)].groupby("size").accuracy.mean().reindex(sizes)
        right.plot(range(len(sizes)), able, "x", color=COLOURS[j], label=f"{model}, the task itself")
    right.axhline(0.5, color="0.6", lw=0.8, ls="--")
    right.set(
        xticks=range(len(sizes)),
        xticklabels=sizes,
        ylim=(0.42, 1.03),
        xlabel="language model",
        ylabel="accuracy",
        xlim=(-0.6, len(sizes) - 0.1),
    )
    right.legend(fontsize=6.5)
    panel_labels((left, middle, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
