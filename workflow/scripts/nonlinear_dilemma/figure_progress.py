"""Figure: accuracy of maps of the first layer, and of the network itself, while the network learns."""

from lib.abstraction.published import HALF_TRAINED
from lib.abstraction.tables import fit_table, main_rates
from lib.atlas.job.figure import COLOURS, MARKERS, new_figure


def _words(kind: str, blocks: int, hidden: int) -> str:
    return "rotation" if kind == "orthogonal" else f"reversible, {blocks} block{'s' * (blocks > 1)} of width {hidden}"


def figure(networks, fits):
    """Return the figure."""
    rows = main_rates(fit_table(fits))
    chosen = (
        (rows.algorithm == "both_equality") & rows["map"].isin(["orthogonal", "revnet"]) & (rows.snapshot != "trained")
    )
    rows = rows[chosen].assign(step=lambda table: table.snapshot.astype(int))
    layers = sorted(rows.place.unique())
    fig, axes = new_figure(ncols=len(layers), width=max(4.4 * len(layers), 5.6), height=3.8, sharey=True, squeeze=False)
    batch = networks.attrs["batch"]
    for axis, layer in zip(axes[0], layers):
        for j, ((kind, blocks, hidden), part) in enumerate(
            rows[rows.place == layer].groupby(["map", "blocks", "hidden"])
        ):
            samples = part.step / 1000 * batch
            mean = part.assign(samples=samples).groupby("samples").iia.mean()
            axis.plot(samples, part.iia, MARKERS[j], ms=3, mfc="none", color=COLOURS[j], alpha=0.7)
            axis.plot(
                mean.index, mean, "-", color=COLOURS[j], marker=MARKERS[j], ms=4, label=_words(kind, blocks, hidden)
            )
            if layer == 1 and (kind, blocks, hidden) in HALF_TRAINED:
                axis.plot(0.128 * batch, HALF_TRAINED[kind, blocks, hidden], "+", ms=9, mew=1.5, color=COLOURS[j])
        curve = networks.equality_accuracy.sel(
            equality_snapshot=[str(step) for step in sorted(rows.step.unique())]
        ).mean("equality_seed")
        axis.plot(
            [int(step) / 1000 * batch for step in curve.equality_snapshot.values],
            curve,
            "k--",
            lw=1.2,
            label="the network's own task",
        )
        axis.axhline(0.5, color="0.7", lw=0.8)
        axis.set(xlabel="training inputs in thousands", title=f"layer {layer}", ylim=(0.45, 1.02))
    axes[0, 0].plot([], [], "+", ms=8, color="0.4", label="paper, after 131,072 inputs")
    axes[0, 0].set_ylabel("accuracy of interventions, or of the task")
    axes[0, 0].legend(fontsize=7)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
