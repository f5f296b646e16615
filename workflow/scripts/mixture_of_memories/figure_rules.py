"""Figure: recall by update rule, with one memory and with several."""

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure
from lib.drawing.recall import RULES, name_absent, place_trainings

PAIRS = 16


def figure(recall: list):
    """Return the figure: trainings by rule.

    Args:
        recall: one store for each architecture.
    """
    runs = {run.arch: run for run in recall}
    kinds = {"single": "one memory", "mom": "four memories, two chosen, one shared"}
    stores = {
        rule: {kind: runs.get(kind if rule == "scalar" else f"{kind}_{rule}") for kind in kinds} for rule in RULES
    }
    shown = [rule for rule in RULES if all(store is not None for store in stores[rule].values())]
    fig, axis = new_figure(width=8.4, height=1.6 + 0.55 * max(len(shown), 2))
    for row, rule in enumerate(shown):
        for i, (kind, label) in enumerate(kinds.items()):
            values = stores[rule][kind].accuracy.sel(pairs=PAIRS).values
            place_trainings(axis, row + 0.45 * (i - 0.5), values, COLOURS[i], MARKERS[i], label if not row else None)
    axis.set_yticks(range(len(shown)), [RULES[rule] for rule in shown])
    axis.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    axis.set(xlabel=f"recall at {PAIRS} pairs; bars are means", xlim=(0, 1.02))
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    name_absent(axis, [RULES[rule] for rule in RULES if rule not in shown])
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
