"""Figure: violation of the heads of fixed programmes, and of invariant heads in a wider family."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, REFERENCE, new_figure, panel_labels
from lib.stats.intervals import estimate_mean


def figure(heads, shift):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.6)
    expected = heads.width.values[:, None] / (heads.number.values + 1)
    mean, _, low, high, _ = estimate_mean(heads.share.transpose("sem", "number", "set").values, axis=2)
    support = heads.support.transpose("sem", "number", "set").values
    full = (support == heads.width.values[:, None, None]).mean(axis=2) >= 0.95
    for k, m in enumerate(heads.number.values):
        x = np.arange(heads.sizes["sem"]) + 0.2 * (k - 1)
        for filled in (True, False):
            chosen = full[:, k] == filled
            y, below, above = (part[chosen, k] / expected[chosen, k] for part in (mean, mean - low, high - mean))
            style = {"color": COLOURS[k], "mfc": COLOURS[k] if filled else "white", "ls": "none", "marker": MARKERS[k]}
            left.errorbar(x[chosen], y, [below, above], ms=4, label=f"m = {m}" if filled else None, **style)
    left.axhline(1, **REFERENCE)
    left.set(xlabel="model", ylabel="violation over k / (m + 1)", xticks=np.arange(heads.sizes["sem"]))
    left.set_xticklabels([str(t + 1) for t in range(heads.sizes["sem"])])
    left.legend(fontsize=7)
    for t in range(shift.sizes["sem"]):
        style = {"color": COLOURS[t % len(COLOURS)], "marker": MARKERS[t % len(MARKERS)]}
        right.plot([0, 1], [shift.same[t], shift.shifted[t]], **style)
    right.set_xticks([0, 1], ["family of training", f"coefficients to ±{shift.attrs['wider']:g}"])
    right.set(ylabel="worst share violated", xlim=(-0.3, 1.3), title=f"m = {shift.attrs['interventions']}")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
