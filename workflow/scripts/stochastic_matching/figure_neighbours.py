"""Figure: joint outcome of a vertex and its neighbours, for balance and for ranking."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure, panel_labels


def figure(neighbours):
    """Return the figure: neighbours that are worse off less the bound, and a profile of attempts against the rank."""
    fig, (left, right) = new_figure(ncols=2, width=9.0, height=3.6)
    for i, name in enumerate(neighbours.algorithm.values):
        runs = neighbours.sel(algorithm=name)
        bound = np.maximum(runs.attempts - runs.attempt, 0).values
        withheld = bound > 0
        values, counts = np.unique((runs.hurt.values - bound)[withheld], return_counts=True)
        left.bar(values + 0.2 * (2 * i - 1), counts / max(withheld.sum(), 1), 0.38, color=COLOURS[i], label=name,
                 hatch=("", "//")[i], edgecolor="white")  # fmt: skip
    left.set(xlabel="neighbours worse off − withheld attempts (L − k)", ylabel="share of runs with k < L")
    left.set_xlim(-10.5, 1.5)
    left.legend()
    right.step(neighbours["rank"], neighbours.profile, where="mid", color=COLOURS[0])
    right.set(xlabel="rank y of the vertex", ylabel="attempts L(y) if it never succeeds", ylim=(0, None))
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
