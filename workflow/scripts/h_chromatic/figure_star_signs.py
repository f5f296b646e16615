"""Figure: signs of the power-sum coefficients of omega(X) for stars, beside targets where both signs occur."""

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch, Rectangle

from lib.atlas.job.figure import new_figure
from lib.symmetric.partitions import bipartite_power, omega, partition_label, partitions

SIGNS = ListedColormap(["#D55E00", "#f2f2f2", "#0072B2"])
HATCH = "////"


def _draw(axis, signs, norm) -> None:
    """Signs as coloured cells, the negative ones hatched as well."""
    axis.imshow(signs, cmap=SIGNS, norm=norm, aspect="auto", interpolation="nearest")
    cells = [Rectangle((x - 0.5, y - 0.5), 1, 1) for y, x in np.argwhere(np.asarray(signs) < 0)]
    axis.add_collection(PatchCollection(cells, fc="none", ec="white", lw=0, hatch=HATCH))


def figure(power):
    """Return the figure: a row for each bipartite graph of the largest size, a column for each partition."""
    fig, axes = new_figure(ncols=2, width=9.0, height=4.8, gridspec_kw={"width_ratios": [1.5, 1]})
    n, size = power.star_vertices.values.T
    largest = n.max()
    rows = (n == largest) & (size == largest)
    norm = BoundaryNorm([-1.5, -0.5, 0.5, 1.5], 3)
    _draw(axes[0], power.star_sign.values[rows], norm)
    axes[0].set_yticks(range(rows.sum()), power.graph.values[rows], fontsize=5.5)
    axes[0].set(ylabel="bipartite graph G (graph6)", title=f"star with {largest} vertices")
    axes[0].set_xticks(range(power.sizes["partition"]), power.partition.values, rotation=60, ha="right")
    controls = power.control_classes.values.tolist()
    kinds = partitions(sum(controls[0][:2]))
    signs = [[np.sign(omega(bipartite_power(r, s, a, b)).get(k, 0)) for k in kinds] for r, s, a, b in controls]
    _draw(axes[1], signs, norm)
    axes[1].set_yticks(range(len(controls)), [f"$K_{{{a},{b}}}$" for _, _, a, b in controls])
    axes[1].set_xticks(range(len(kinds)), [partition_label(k) for k in kinds], rotation=60, ha="right")
    axes[1].set(ylabel="target H", title=f"control: G = $K_{{{controls[0][0]},{controls[0][1]}}}$, H not a star")
    for axis in axes:
        axis.set_xlabel("partition")
        axis.grid(False)
    fig.legend(
        handles=[
            Patch(fc=SIGNS.colors[0], ec="white", hatch=HATCH, label="negative"),
            Patch(fc=SIGNS.colors[1], ec="black", label="zero"),
            Patch(fc=SIGNS.colors[2], ec="black", label="positive"),
        ],
        loc="outside lower center",
        ncols=3,
    )
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
