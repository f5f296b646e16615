"""Figure: significant partial correlations as a graph, beside both matrices."""

import networkx as nx
import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels


def _heat(axis, values, names, title):
    d = len(names)
    lower = np.where(np.tri(d, k=-1, dtype=bool), values, np.nan)
    mesh = axis.imshow(lower, cmap="RdBu_r", vmin=-1, vmax=1)
    for i in range(d):
        for j in range(i):
            dark = abs(values[i, j]) > 0.55
            text = f"{values[i, j]:.2f}".replace("0.", ".").replace("-", "−")
            axis.text(j, i, text, ha="center", va="center", fontsize=5.5, color="white" if dark else "black")
    axis.set_xticks(range(d), names)
    axis.set_yticks(range(d), names)
    axis.set(title=title, xlim=(-0.5, d - 1.5), ylim=(d - 0.5, 0.5))
    axis.grid(False)
    return mesh


def figure(study, level: float):
    """Return the figure.

    Args:
        study: data set with its measures.
        level: level of the test over all pairs (Bonferroni).
    """
    fig, axes = new_figure(ncols=3, width=12.0, height=4.0, gridspec_kw={"width_ratios": [1, 1.05, 1.05]})
    names = list(study.part.values)
    d = len(names)
    r, p = study.pcor.values, study.pvalue.values
    # neighbours in the list stand apart on the circle, so that no edge runs along another
    layout = nx.circular_layout([names[4 * k % d] for k in range(d)] if d % 2 else names)
    graph = nx.Graph()
    graph.add_nodes_from(names)
    for i in range(d):
        for j in range(i):
            if p[i, j] < level / (d * (d - 1) / 2):
                graph.add_edge(names[j], names[i], r=r[i, j])
    for first, second, value in graph.edges(data="r"):
        ends = np.array([layout[first], layout[second]])
        colour, style = (COLOURS[1], "-") if value > 0 else (COLOURS[0], (0, (3, 1.5)))
        axes[0].plot(*ends.T, color=colour, ls=style, lw=6 * abs(value), solid_capstyle="butt", zorder=1)
        axes[0].text(
            *(0.64 * ends[0] + 0.36 * ends[1]),
            f"{value:+.3f}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=8,
            zorder=2,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    for name in names:
        axes[0].plot(*layout[name], "o", ms=22, mfc="white", mec="black" if graph.degree(name) else "#999999", zorder=3)
        axes[0].text(*layout[name], name, ha="center", va="center", zorder=4)
    axes[0].plot([], [], color=COLOURS[1], lw=4, label="positive")
    axes[0].plot([], [], color=COLOURS[0], lw=4, ls=(0, (3, 1.5)), label="negative")
    axes[0].legend(loc="lower center", ncols=2, bbox_to_anchor=(0.5, -0.12), handlelength=3)
    axes[0].set(title=f"{study.attrs['label']}, p < {level:g} / {d * (d - 1) // 2}", aspect="equal")
    axes[0].set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25))
    axes[0].axis("off")
    _heat(axes[1], r, names, "partial correlation $r_{ij}$")
    mesh = _heat(axes[2], study.rho_p.values, names, "proportionality $\\rho_p$")
    fig.colorbar(mesh, ax=axes[2], shrink=0.85)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
