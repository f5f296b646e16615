"""Figure: spans and transitions of indirect observations."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels
from lib.drawing.invariance import draw_transition


def figure(spans, transitions):
    """Return the figure."""
    cases = [str(case) for case in transitions.case.values if str(case).startswith("latent")]
    fig, axes = new_figure(ncols=1 + len(cases), width=3.4 * (1 + len(cases)), height=3.4)
    left = axes[0]
    for k, (name, words) in enumerate((("direct_rank", "latent nodes"), ("latent_rank", "observed"))):
        values = spans[name].transpose("sites", "sem").values
        shift = 0.12 * (2 * k - 1) + 0.04 * (np.arange(values.shape[1]) - (values.shape[1] - 1) / 2)
        x = spans.sites.values[:, None] + shift
        left.plot(x.ravel(), values.ravel(), MARKERS[k], color=COLOURS[k], label=words)
    left.plot(spans.sites, spans.bound, "k:", label="bound")
    left.set(xlabel="sites s", ylabel="dimension of the span", title=f"d = {spans.attrs['latent_dim']} latent")
    left.set_xticks(spans.sites.values)
    left.legend(fontsize=7)
    for axis, case in zip(axes[1:], cases):
        draw_transition(axis, transitions, case)
    axes[1].set_ylabel("worst share of unseen interventions")
    axes[1].legend(fontsize=7, loc="lower left")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
