"""Figure: regret against the number of states, and with a simulator in place of the dynamics."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure, panel_labels
from lib.drawing.mdp import STYLES
from lib.drawing.ranges import draw_means, tick_at


def _draw_states(axis, states) -> None:
    regret = states.regret.mean(("kind", "rep"))
    for learner, hot in (("lb", 0), ("mr", 0), ("lb", 1)):
        chosen = (states.learner.values == learner) & (states.one_hot.values == hot)
        style = dict(STYLES[learner])
        if hot:
            style |= {"color": COLOURS[4], "marker": "x", "label": "log-barrier, a feature for each pair"}
        draw_means(axis, states.states.values[chosen], regret[chosen].values.T, units=0, **style)
    counts = np.unique(states.states.values)
    axis.set(xscale="log", xlabel="states S", ylabel="regret", xticks=counts, xticklabels=[str(s) for s in counts])
    axis.set_xticks([], minor=True)
    axis.set_ylim(0, None)
    axis.legend(fontsize=7)


def _draw_simulators(axis, simulators) -> None:
    regret = simulators.regret.mean(("kind", "rep"))
    counts = simulators.trajectories.values
    for learner in ("lb", "mr"):
        own = simulators.learner.values == learner
        ratio = regret[own & (counts > 0)].values / regret[own & (counts == 0)].values
        draw_means(axis, counts[own & (counts > 0)], ratio.T, units=0, **STYLES[learner])
    axis.axhline(1, **REFERENCE)
    axis.axhspan(0.8, 1.2, color="0.93", zorder=0)
    axis.set(xscale="log", xlabel="trajectories M for each use", ylabel="regret over that with known dynamics")
    sampled = np.unique(counts[counts > 0])
    tick_at(axis, sampled)
    axis.legend(fontsize=7)


def figure(states, simulators):
    """Return the figure; the band is the pass rule."""
    fig, (left, right) = new_figure(ncols=2, width=8.8, height=3.6)
    _draw_states(left, states)
    _draw_simulators(right, simulators)
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
