"""Figure: largest difference between blends of renders and renders under the blended light."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure


def figure(transport):
    """Return the figure: one point for each scene, on a logarithmic axis."""
    fig, axis = new_figure(width=5.6, height=3.4)
    rows = (("linear", "linear radiance", 0), ("encoded", "after the sRGB curve", 1))
    for name, label, i in rows:
        values = transport[name].values
        for k in range(values.shape[1]):
            spread = np.linspace(-0.03, 0.03, len(values))
            y = np.maximum(np.sort(values[:, k]), 1e-18)
            style = {"color": COLOURS[i], "ms": 3, "mfc": "white", "lw": 0, "rasterized": True}
            axis.plot(transport.weight.values[k] + spread, y, MARKERS[i], label=label if k == 0 else None, **style)
    axis.axhline(1e-6, **REFERENCE)
    axis.axhline(1e-2, **REFERENCE)
    axis.annotate("passes below", (0.375, 1e-6), (0, -11), textcoords="offset points", ha="center", fontsize=8)
    axis.annotate("visible above", (0.375, 1e-2), (0, -11), textcoords="offset points", ha="center", fontsize=8)
    axis.set_yscale("log")
    axis.set(ylim=(1e-17, 1), xticks=transport.weight.values)
    axis.set(xlabel="weight $\\lambda$ of the second light")
    axis.set_ylabel(f"largest |blend $-$ render|, {transport.sizes['scene']} scenes")
    axis.legend(loc="center right")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
