"""Figure: the gain of moment probing by backbone and training objective."""

import xarray as xr

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.drawing.probing import draw_gain

PAPER = {"supervised transformer": 1.1, "masked autoencoder": 6.1}  # points on ImageNet, from the authors' repository


def figure(probes_vit, probes_cnn, probes_mae, tuned, tuned_masked):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, width=9, height=3.2, sharey=True)
    panels = {
        "supervised transformer": (probes_vit, tuned),
        "supervised convolutions": (probes_cnn, None),
        "masked autoencoder": (probes_mae, tuned_masked),
    }
    for axis, (title, (probes, other)) in zip(axes, panels.items()):
        linear = probes.accuracy.sel(probe=xr.DataArray(probes.linear.values.astype(str), dims="images"))
        sets = [str(name) for name in probes.images.values]
        for d, name in enumerate(sets):
            base = linear.sel(images=name).values
            draw_gain(axis, d - 0.2, 100 * (probes.accuracy.sel(probe="mp", images=name).values - base), COLOURS[0])
            if other is not None:
                for k, method in ((1, "mp+"), (2, "ft")):
                    tuned_values = other.accuracy.sel(tuning=method, images=name).values
                    gain = 100 * (tuned_values - base[: len(tuned_values)])
                    draw_gain(axis, d - 0.2 + 0.2 * k, gain, COLOURS[k], marker="s" if k == 1 else "^")
        axis.axhline(0, **REFERENCE)
        if title in PAPER:
            axis.axhline(PAPER[title], color="grey", ls=":")
        axis.set(title=title, xticks=range(len(sets)), xlim=(-0.5, len(sets) - 0.5))
        axis.set_xticklabels(sets)
    axes[0].set_ylabel("gain over linear probing, points")
    for label, colour, marker in (("MP", COLOURS[0], "o"), ("MP+", COLOURS[1], "s"), ("fine-tuning", COLOURS[2], "^")):
        axes[-1].plot([], [], color=colour, marker=marker, ls="none", label=label)
    axes[-1].plot([], [], color="grey", ls=":", label="MP in the paper")
    axes[-1].legend(loc="best")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
