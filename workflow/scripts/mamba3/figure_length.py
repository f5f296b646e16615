"""Figure: parity against sequence length, and the error of the learned rotation against the reached length."""

import numpy as np

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS, REFERENCE, new_figure, panel_labels
from lib.language.tracking import half_turn_error, solved_length

PAPER = {"mamba3": 100.0, "no_rotation": 2.27, "fixed_rotation": 1.56, "mamba2": 0.90}  # per cent, Table 5b
LABELS = {
    "mamba3": "Mamba-3",
    "no_rotation": "no rotation",
    "fixed_rotation": "standard RoPE",
    "mamba2": "Mamba-2",
    "euler": "Mamba-3, Euler step",
    "heavy_tail": "Mamba-3, heavy-tailed A",
}


def figure(parity: list):
    """Return the figure; lines are medians over seeds, bars the range."""
    fig, (left, right) = new_figure(ncols=2, width=9.2, height=4.8, gridspec_kw={"width_ratios": [1.35, 1]})
    for run in sorted(parity, key=lambda run: list(LABELS).index(run.variant)):
        i = list(LABELS).index(run.variant)
        values = run.scaled_accuracy
        middle = values.median("seed").values
        spread = np.abs(np.stack([values.min("seed").values, values.max("seed").values]) - middle)
        left.errorbar(
            run.length * 1.02 ** (i - 1.5),
            middle,
            spread,
            color=COLOURS[i],
            marker=MARKERS[i],
            ls=LINESTYLES[i],
            label=LABELS.get(run.variant, run.variant),
        )
        if run.variant in PAPER:
            left.plot(256, PAPER[run.variant] / 100, "x", color=COLOURS[i], ms=8, mew=1.8)
    left.plot([], [], "x", color="black", label="paper at 256, trained to 160")
    left.axhspan(0.95, 1.05, color="0.9", zorder=0, label="Mamba-3 passes at the longest in training")
    left.axvline(parity[0].longest, **REFERENCE)
    left.annotate("longest in training", (parity[0].longest, 1.12), (4, 0), textcoords="offset points", fontsize=7.5)
    left.set_xscale("log", base=2)
    left.set(
        xlabel="length in bits",
        ylabel="scaled accuracy, second half",
        ylim=(-0.75, 1.25),
        xticks=parity[0].length.values,
        xticklabels=parity[0].length.values,
    )
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    for run in (run for run in parity if "turn" in run):
        i = list(LABELS).index(run.variant)
        right.plot(
            half_turn_error(run.turn.values),
            solved_length(run.scaled_accuracy.values, run.length.values),
            MARKERS[i],
            color=COLOURS[i],
            ms=7,
            mfc="white",
            label=LABELS.get(run.variant, run.variant),
        )
    bound = np.geomspace(1e-4, 1, 50)
    right.plot(bound, np.pi / (2 * bound), **REFERENCE, label="$\\pi / (2\\delta)$")
    right.set(
        xscale="log",
        xlabel="smallest |rotation difference $-$ $\\pi$|, $\\delta$ (rad)",
        ylabel="longest length with accuracy $\\geq$ 0.9",
        ylim=(4, 2000),
        xlim=(1e-4, 1),
    )
    right.set_yscale("log", base=2)
    right.set_yticks([8, 32, 128, 512], [8, 32, 128, 512])
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))
    panel_labels((left, right))
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
