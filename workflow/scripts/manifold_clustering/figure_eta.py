"""Figure: accuracy, membership within classes and gap of eigenvalues, over temperatures of labels."""

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.drawing.ranges import draw_range

PANELS = {"accuracy_at": "accuracy", "mass_at": "share of membership within classes", "gap_at": "gap of eigenvalues"}


def figure(features, members):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, width=11, height=3.3)
    for axis, (name, label) in zip(axes, PANELS.items()):
        for f, stage in enumerate(features.features.values):
            values = features[name].sel(features=stage).transpose("swept", "eta")
            x, style = features.eta.values * (1 + 0.03 * f), {"color": COLOURS[f], "marker": MARKERS[f]}
            draw_range(axis, x, values, "swept", label=f"after {stage}", **style)
        axis.axvline(members.attrs["label_eta"], **REFERENCE)
        axis.set(xscale="log", xlabel="temperature of labels", ylabel=label)
        axis.set_xticks(features.eta.values, [f"{eta:g}" for eta in features.eta.values])
        axis.set_xticks([], minor=True)
    axes[0].legend()
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
