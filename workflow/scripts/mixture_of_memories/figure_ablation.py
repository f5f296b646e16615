"""Figure: recall with one factor changed."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.drawing.recall import LABELS, RULES, name_absent, place_trainings

PAIRS = 16
ROWS = (
    "single", "mom_m1k1", "mom_m2k1", "mom_m2k2", "mom_m4k1", "mom_m4k4", "mom_m8k1", "mom_m8k2", "mom_m8k4",
    "unshared", "mom_one_pair", "unbalanced", "balance_tenfold", "mom_conv_memory", "mom_linear", "mom_retention",
    "mom_gla", "mom_gated_delta",
)  # fmt: skip


def figure(recall: list):
    """Return the figure: differences of paired trainings to the default.

    Args:
        recall: one store for each architecture.
    """
    runs = {run.arch: run for run in recall}
    names = {name: LABELS.get(name) or RULES[name.removeprefix("mom_")] for name in ROWS}
    rows = [name for name in ROWS if name in runs and "mom" in runs]
    fig, axis = new_figure(width=7.0, height=1.5 + 0.3 * max(len(rows), 3))
    axis.axvline(0, **REFERENCE)
    for row, name in enumerate(rows):
        pair = [runs[one].accuracy.sel(pairs=_asked(runs[one])).values for one in (name, "mom")]
        count = min(map(len, pair))
        place_trainings(axis, row, pair[0][:count] - pair[1][:count], COLOURS[row % len(COLOURS)])
    axis.set_yticks(range(len(rows)), [names[name] for name in rows])
    axis.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    asked = _asked(recall[0])
    axis.set_xlabel(f"recall at {asked} pairs minus that of four memories, two chosen, one shared (scalar gate)")
    name_absent(axis, [names[name] for name in ROWS if name not in rows])
    return fig


def _asked(run) -> int:
    return PAIRS if PAIRS in run.pairs.values else int(np.max(run.pairs.values))


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
