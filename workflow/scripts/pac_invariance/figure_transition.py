"""Figure: exact invariance in training against violations on unseen interventions."""

from lib.atlas.job.figure import new_figure, panel_labels
from lib.drawing.invariance import draw_transition


def figure(transitions):
    """Return the figure; a panel for each direct case."""
    cases = [str(case) for case in transitions.case.values if not str(case).startswith("latent")]
    fig, axes = new_figure(ncols=len(cases), width=3.0 * len(cases), height=3.3, sharey=True)
    for axis, case in zip(axes, cases):
        draw_transition(axis, transitions, case)
    axes[0].set_ylabel("worst share of unseen interventions")
    axes[0].legend(fontsize=7, loc="lower left")
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
