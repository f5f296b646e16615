"""Figure: accuracy of maps of the first layer against their degrees of freedom, for networks of three ages."""

from lib.abstraction.tables import fit_table, main_rates
from lib.atlas.job.figure import COLOURS, MARKERS, new_figure

AGES = {"trained": "trained network", "128": "cannot do the task yet (128 steps)", "0": "untrained network"}


def figure(fits):
    """Return the figure."""
    rows = main_rates(fit_table(fits))
    rows = rows[(rows.algorithm == "both_equality") & (rows.place == 1) & (rows["size"] == 0)]
    rows = rows[rows["map"].isin(["orthogonal", "revnet", "neurons", "rotation", "untrained"])]
    fig, axis = new_figure(width=6, height=4)
    for j, (snapshot, words) in enumerate(AGES.items()):
        own = rows[rows.snapshot == snapshot]
        part = (
            own[own["map"] == "revnet"]
            .groupby(["hidden", "blocks"])
            .agg(parameters=("parameters", "mean"), iia=("iia", "mean"))
        )
        part = part.sort_values("parameters")
        axis.plot(part.parameters, part.iia, color=COLOURS[j], marker=MARKERS[j], label=words)
        for kind, marker in (("orthogonal", MARKERS[j]), ("neurons", "_"), ("rotation", "1"), ("untrained", "2")):
            point = own[own["map"] == kind]
            if len(point):
                mean = point.iia.mean()
                axis.plot(max(point.parameters.mean(), 0), mean, marker, ms=9, mfc="white", color=COLOURS[j], zorder=3)
    for marker, words in (
        ("o", "rotation (outlined)"),
        ("_", "single neurons"),
        ("1", "random rotation"),
        ("2", "reversible network, untrained"),
    ):
        axis.plot([], [], marker, color="0.4", mfc="white", label=words)
    axis.axhline(0.5, color="0.6", lw=0.8, ls="--")
    axis.set(
        xlabel="degrees of freedom of the map",
        ylabel="accuracy of interventions, layer 1",
        ylim=(0.45, 1.02),
        xlim=(-3, None),
    )
    axis.set_xscale("symlog", linthresh=20)
    fig.legend(fontsize=7, loc="outside lower center", ncols=3)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
