"""Figure: accuracy against trainable parameters of methods that tune the backbone, and of heads that do not."""

import xarray as xr

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.probing import draw_gain

NAMES = {
    "bias": "biases", "ssf": "SSF", "ft": "fine-tuning", "mp+": "MP+", "unshared": "two bottlenecks",
    "scale_only": "scale alone", "shift_only": "shift alone", "mp ssf": "MP and SSF",
}  # fmt: skip


def figure(probes, tuned):
    """Return the figure."""
    fig, axis = new_figure(width=6.4, height=3.8)
    first = str(probes.images.values[0])
    linear = probes.accuracy.sel(probe=xr.DataArray(probes.linear.values.astype(str), dims="images"))
    frozen = {"linear probing": (linear, "cls"), "MP": (probes.accuracy.sel(probe="mp"), "mp")}
    for name, (accuracy, counted) in frozen.items():
        values = 100 * accuracy.mean("images").values[: tuned.sizes["seed"]]
        x = float(probes.parameters.sel(probe=counted, images=first))
        draw_gain(axis, x, values, "grey")
        axis.annotate(name, (x, values.mean()), (6, 4), textcoords="offset points", fontsize=8, color="grey")
    for k, name in enumerate(tuned.tuning.values):
        values = 100 * tuned.accuracy.sel(tuning=name).mean("images").values
        x = float(tuned.parameters.sel(tuning=name, images=first))
        style = {"marker": MARKERS[(k + 1) % len(MARKERS)], "label": NAMES[str(name)]}
        draw_gain(axis, x, values, COLOURS[k % len(COLOURS)], **style)
    axis.set(xscale="log", xlabel="trainable parameters", ylabel="mean test accuracy, points")
    axis.set_title(f"{tuned.attrs['steps']} steps, {tuned.sizes['seed']} seed(s)")
    axis.margins(0.15)
    fig.legend(loc="outside right upper")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
