"""Figure: excess losses by layer, barriers towards hybrids, and which pairs of layers make the barrier."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.pictures import draw_signed
from lib.drawing.ranges import draw_means


def figure(curvature, identity):
    """Return the figure."""
    fig, (left, middle, right) = new_figure(ncols=3, width=10.5, height=3.5)
    single = [name for name in curvature["set"].values if name.startswith("single")]
    layers = np.arange(1, len(single) + 1)
    pairs = [name for name in curvature.pair.values if name != "independent"]
    shifts = np.linspace(-0.24, 0.24, len(pairs))
    for i, name in enumerate(pairs):
        for variable, filled in (("excess", True), ("expected", False)):
            values = curvature[variable].sel(set=single, pair=name).transpose("set", "seed").values
            style = {"color": COLOURS[i], "marker": MARKERS[i], "ms": 4, "linestyle": ""}
            _bars(
                left,
                layers + shifts[i],
                values,
                label=name if filled else None,
                mfc=None if filled else "white",
                **style,
            )
    left.set(yscale="log", xlabel="layer", ylabel="rise of the loss")
    left.set_xticks(layers)
    left.legend(fontsize=6.5, ncols=2, loc="lower left")
    last = len(single)
    sets = [*single, *(f"first {j}" for j in range(2, last)), *(f"last {j}" for j in range(2, last)), f"first {last}"]
    names = [
        *map(str, layers),
        *(f"1–{j}" for j in range(2, last)),
        *(f"{last - j + 1}–{last}" for j in range(2, last)),
        "all",
    ]
    shown = [name for name in ("k = 0", "k = 80", "independent") if name in curvature.pair.values]
    for i, name in enumerate(shown):
        values = curvature.hybrid.mean("way").sel(set=sets, pair=name).transpose("set", "seed").values
        _bars(
            middle,
            np.arange(len(sets)) + 0.2 * (i - 1),
            values,
            label=name,
            color=COLOURS[i],
            marker=MARKERS[i],
            ms=4,
            linestyle="",
        )
    middle.set_xticks(np.arange(len(sets)), names, fontsize=7)
    middle.set(xlabel="layers from the other network", ylabel="barrier towards the hybrid")
    middle.legend(fontsize=7, loc="upper left")
    smooth = identity.smooth.values[0]
    terms = identity.term.sel(smooth=smooth).transpose("layer", "other").values
    image = draw_signed(right, terms)
    dark = 0.6 * np.abs(terms).max()
    for i, j in np.ndindex(terms.shape):
        colour = "white" if abs(terms[i, j]) > dark else "black"
        right.text(j, i, f"{terms[i, j]:.3f}".replace("-", "−"), ha="center", va="center", fontsize=7, color=colour)
    right.set_xticks(range(last), layers)
    right.set_yticks(range(last), layers)
    right.set(xlabel="layer", ylabel="layer", title=f"parts of the barrier, {smooth.upper()}")
    fig.colorbar(image, ax=right, shrink=0.85)
    panel_labels((left, middle, right))
    return fig


def _bars(axis, x, values, **style) -> None:
    """Means over the last axis with 95 % intervals, points alone for a single unit."""
    if values.shape[1] == 1:
        axis.plot(x, values[:, 0], **style)
    else:
        draw_means(axis, x, values, **style)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
