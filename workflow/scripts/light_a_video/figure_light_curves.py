"""Figure: fitted intensity of each colour channel against time, method by method."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, new_figure

METHODS = {
    "per_frame": "per frame",
    "cla_50": "attention, $\\gamma$ = 0.5",
    "plf": "fusion",
    "full_50": "both, $\\gamma$ = 0.5",
}
CHANNELS = ((1, "red"), (2, "green"), (0, "blue"))


def figure(scenes, measures):
    """Return the figure: two clips below each other, methods side by side."""
    clips = [0, min(3, scenes.sizes["clip"] - 1)]
    fig, axes = new_figure(len(METHODS), 2, width=9.6, height=4.6, sharex=True, sharey="row")
    for r, clip in enumerate(clips):
        for axis, (method, label) in zip(axes[r], METHODS.items()):
            match = (measures.method == method) & (measures.seed == 0) & (measures["clip"] == clip)
            light = measures.light.isel(row=np.flatnonzero(match.values)[:1]).values[0]
            for c, (colour, name) in enumerate(CHANNELS):
                style = {"color": COLOURS[colour], "marker": MARKERS[c], "ls": LINESTYLES[c], "ms": 4, "lw": 1.1}
                axis.plot(range(len(light)), light[:, c], label=name, **style)
                truth = scenes.intensity.values[clip, c]
                axis.axhline(truth, color=COLOURS[colour], lw=0.7, ls=(0, (1, 2)), zorder=0)
            if r == 0:
                axis.set_title(label)
            else:
                axis.set_xlabel("frame")
        direction = scenes.attrs["directions"].split(", ")[int(scenes.direction[clip])]
        axes[r][0].set_ylabel(f"fitted intensity\n(clip {clip}, light {direction})")
    axes[0][0].plot([], [], color="#555555", lw=0.7, ls=(0, (1, 2)), label="one true light")
    fig.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
