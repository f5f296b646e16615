"""Figure: accuracy of the direction between two variables against the number of environments."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure
from lib.scm.scores import fair_scores
from lib.stats.intervals import standard_error

NAMES = {
    "pc": "PC",
    "fci": "FCI",
    "ges": "GES",
    "direct_lingam": "DirectLiNGAM",
    "cd_nod": "CD-NOD",
    "notears_cut": "NOTEARS, cut 0.3",
    "by_variance": "order of variances",
}
STEP = 6  # environments between marks of neighbouring methods, so that their bars do not hide each other
AUTHORS = {"fci": "FCI, GES, NOTEARS", "direct_lingam": "DirectLiNGAM", "cd_nod": "CD-NOD"}


def _style(i: int) -> dict:
    colour = COLOURS[i] if i < 6 else COLOURS[7]  # black is the paper's method
    return {"color": colour, "marker": MARKERS[i + 1], "linestyle": LINESTYLES[i + 1], "mfc": "white", "lw": 1}


def figure(
    directions: list,
    baselines: list,
    *,
    paper: list[list[float]],
    paper_baselines: dict[str, list[list[float]]],
    pass_bounds: list[list[float]],
):
    """Return the figure: the published units left, random units right; bars are twice the standard error.

    A baseline's edge without direction counts 1/2. Baselines stand beside their numbers of environments.

    Args:
        directions, baselines: a store for each number of environments.
        paper: numbers of environments and accuracies in the authors' result files.
        paper_baselines: the same by baseline, where an edge without direction counts as none.
        pass_bounds: numbers of environments and the smallest accuracies that claim c5 allows.
    """
    fig, (left, right) = new_figure(2, width=11.2, height=4.4, sharey=True, gridspec_kw={"width_ratios": [1.7, 1]})
    runs = sorted(directions, key=lambda run: run.environments)
    others = sorted(baselines, key=lambda run: run.environments)

    def draw(axis, numbers, scores, label, style):
        error = [2 * standard_error(score) for score in scores]
        axis.errorbar(numbers, [score.mean() for score in scores], error, label=label, **style)

    ours = {"color": "black", "marker": "o", "linestyle": "-", "zorder": 3}
    for axis, arm in ((left, "as drawn"), (right, "random units")):
        there = [run for run in runs if arm in run.arm.values]
        right_choices = [(run.choice.sel(arm=arm) == run.truth).values.astype(float) for run in there]
        draw(axis, [run.environments for run in there], right_choices, "causal de Finetti", ours)
        for i, (method, label) in enumerate(NAMES.items()):
            scores = []
            for run in others:
                choice = run.choice.sel(algorithm=method)
                if axis is right and method in run.control.values:
                    choice = run.choice_in_random_units.sel(control=method)
                scores.append(fair_scores(choice.values, run.truth.values))
            shift = STEP * (
                i - len(NAMES) // 2 + (i >= len(NAMES) // 2)
            )  # none at the middle, where the paper's method is
            draw(axis, [run.environments + shift for run in others], scores, label, _style(i))
        axis.axhline(1 / 3, **REFERENCE)
        axis.annotate(
            "chance",
            (1, 1 / 3),
            (0, -10),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=8,
            ha="right",
        )
        axis.set(xlabel="environments, two samples each")
        axis.set_xticks(sorted({run.environments for run in (runs if axis is left else others)}))
    left.plot(*np.array(paper).T, color="black", marker="x", ls="", label="causal de Finetti, authors")
    for name, label in AUTHORS.items():
        i = list(NAMES).index(name)
        left.plot(*np.array(paper_baselines[name]).T, color=COLOURS[i], marker="x", ls="", label=f"{label}, authors")
    at, least = zip(*pass_bounds)
    left.fill_between(at, least, 1.03, color="#eeeeee", zorder=0, label="pass rule")
    left.set(ylabel="accuracy", ylim=(0.2, 1.03), title="units as published")
    right.set(title="random units")
    fig.legend(*left.get_legend_handles_labels(), loc="outside right center")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
