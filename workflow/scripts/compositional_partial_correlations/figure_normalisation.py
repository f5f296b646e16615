"""Figure: normalised data give the partial correlation exactly when the normalising parts are held fixed."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure


def figure(identities):
    """Return the figure: sorted deviations from r_ij over random compositions, pairs and sets I."""
    fig, axis = new_figure(width=6.6, height=3.9)
    r = "r_{ij}"
    series = (
        ("free", f"$I$ without $i, j$: regression, deviation from ${r}$", "-"),
        ("free_inverse", f"$I$ without $i, j$: pseudo-inverse, deviation from ${r}$", "--"),
        ("all", "$I$ = all parts: regression, deviation from −1", ":"),
        ("inside_residual", "$i$ in $I$: what is left of $i$, relative to $j$", (0, (5, 1))),
        ("inside_inverse", f"$i$ in $I$: pseudo-inverse, deviation from ${r}$", "-."),
        ("uncontrolled", f"$I$ without $i, j$, not held fixed, deviation from ${r}$", (0, (3, 1, 1, 1))),
    )
    count = identities.sizes["instance"]
    share = (np.arange(count) + 1) / count
    for k, (name, label, style) in enumerate(series):
        values = np.sort(np.maximum(identities[name].values, 1e-17))
        axis.step(values, share, where="post", color=COLOURS[k], ls=style, label=label, lw=1.7)
    axis.axvline(1e-9, color="black", lw=0.8, ls=(0, (4, 2)))
    axis.axvline(1e-3, color="black", lw=0.8, ls=(0, (4, 2)))
    axis.set_xscale("log")
    axis.set(
        xlim=(1e-17, 3),
        ylim=(0, 1.03),
        xlabel="deviation (dashed lines: the claim's tolerances)",
        ylabel=f"share of {count} random compositions",
    )
    fig.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
