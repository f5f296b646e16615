"""Figure: accuracy with a copied and with a fresh cluster head."""

import numpy as np

from lib.atlas.job.figure import COLOURS, MARKERS, new_figure, panel_labels

NAMES = {"full": "copied head", "no_copy": "fresh head"}


def figure(members, subsets):
    """Return the figure."""
    fig, (left, right) = new_figure(ncols=2, width=8.5, height=3.4)
    accuracy = members.score.sel(score_name="accuracy")
    for v, (variant, label) in enumerate(NAMES.items()):
        for s, seed in enumerate(accuracy.seed.values):
            values = accuracy.sel(variant=variant, seed=seed).values
            style = {"color": COLOURS[v], "marker": MARKERS[v], "mfc": "white" if seed == 0 else COLOURS[v]}
            left.plot(
                np.array([0, 1]) + 0.08 * v, values, ls=("-", "--")[v], lw=0.8, ms=4,
                label=label if s == 1 else None, **style,
            )  # fmt: skip
        repeated = np.sort(subsets.repeated.sel(head=variant).values)
        x = v + 0.3 * (np.linspace(-1, 1, len(repeated)) if len(repeated) > 1 else np.zeros(1))
        right.plot(x, repeated, ls="none", color=COLOURS[v], marker=MARKERS[v], ms=5)
    left.set_xticks([0, 1], ["after stage 1", "after stage 2"])
    left.set(ylabel="accuracy", xlim=(-0.3, 1.4), title="seeds (open: seed 0)")
    left.legend()
    right.set_xticks([0, 1], list(NAMES.values()))
    right.set(ylabel="accuracy", xlim=(-0.6, 1.6), title=f"{subsets.sizes['repeat']} runs of stage 2 from one start")
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
