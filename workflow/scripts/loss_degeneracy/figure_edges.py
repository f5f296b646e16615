"""Figure: fewest edges of each layer, local interaction basis against principal components."""

import numpy as np
from matplotlib.ticker import NullFormatter

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.interaction.published import ADDITION_EDGES

LAYERS = ("attention", "perceptron", "unembedding")


def figure(planted, digits, addition):
    """Return the figure."""
    fig, axes = new_figure(ncols=3, width=10.2, height=3.6)
    ablated = planted.ablated
    panels = [
        (
            "planted modules",
            [f"layer {layer + 1}" for layer in range(planted.sizes["layer"])],
            *_pairs(ablated, "basis"),
        ),
        ("classifiers of digits", list(digits.layer.values), *_pairs(digits.edges, "ablated")),
    ]
    local, pca = (np.array(ADDITION_EDGES[kind], dtype=float) for kind in ("local", "pca"))
    for axis, (title, layers, ours, theirs) in zip(axes, panels):
        _draw(axis, ours, theirs, layers)
        axis.set_title(title)
    for i, layer in enumerate(LAYERS):
        style = {"ls": "none", "color": COLOURS[i]}
        axes[2].plot(pca[i], local[i], "x", label=f"{layer}, authors", **style)
        if addition:
            own = [[float(one.edges.isel(layer=i).sel(ablated=kind)) for one in addition] for kind in ("pca", "local")]
            axes[2].plot(*own, MARKERS[i], label=layer, **style)
    axes[2].set_title("modular addition")
    for axis in axes:
        low, high = (choose(*axis.get_xlim(), *axis.get_ylim()) for choose in (min, max))
        ends = np.array([max(low, 0.9), high])
        axis.plot(ends, ends, **REFERENCE)
        axis.set(xscale="log", yscale="log", xlabel="edges, principal components")
        for one in (axis.xaxis, axis.yaxis):
            one.set_minor_formatter(NullFormatter())
        axis.legend(fontsize=7)
    axes[0].set_ylabel("edges, local interaction basis")
    panel_labels(axes)
    return fig


def _pairs(edges, dim: str) -> tuple[np.ndarray, np.ndarray]:
    """Edges (layer, network) in the local interaction basis and in principal components."""
    return tuple(edges.sel({dim: kind}).transpose("layer", "network").values for kind in ("local", "pca"))


def _draw(axis, ours: np.ndarray, theirs: np.ndarray, layers: list[str]) -> None:
    for i, layer in enumerate(layers):
        axis.plot(theirs[i], ours[i], MARKERS[i], ls="none", color=COLOURS[i], label=layer, alpha=0.8)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
