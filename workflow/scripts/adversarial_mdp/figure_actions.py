"""Figure: regret of the log-barrier and of magnitude reduction against the number of actions."""

import numpy as np

from lib.atlas.job.figure import REFERENCE, new_figure, panel_labels
from lib.drawing.mdp import STYLES
from lib.drawing.ranges import draw_means, tick_at


def figure(actions):
    """Return the figure."""
    fig, axes = new_figure(ncols=2, width=8.4, height=3.6, sharey=True)
    regret = actions.regret.mean(("kind", "rep"))
    for axis, copies, title in zip(axes, (1, 0), ("the worse of two actions copied", "new features")):
        for i, learner in enumerate(("lb", "mr")):
            chosen = (actions.learner.values == learner) & (actions.copies.values == copies)
            counts = actions.actions.values[chosen]
            draw_means(axis, counts * 1.03**i, regret[chosen].values.T, units=0, **STYLES[learner])
        axis.plot(
            counts, 1.3 * float(regret[chosen].mean("env")[0]) * np.sqrt(counts / counts[0]), label="√A", **REFERENCE
        )
        axis.set(xscale="log", yscale="log", xlabel="actions A", title=title)
        tick_at(axis, counts)
    axes[0].set(ylabel="regret")
    axes[0].legend(fontsize=7)
    panel_labels(axes)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
