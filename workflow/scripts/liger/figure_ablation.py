"""Figure: one part at a time."""

import numpy as np

from lib.atlas.job.figure import COLOURS, new_figure
from lib.drawing.linearized import LABELS, draw_bars, draw_rows, joined_scores

SHOWN = ("no_gate", "constant", "normalised", "window_only", "recurrent_only", "no_gate_only", "gate_projection")
SHOWN += ("learned_map", "mix_quarter", "mix_one", "full", "liger_h")
# perplexities on held-out instructions (Table 6), over that of Liger
PAPER = {
    "no gate": 3.00 / 2.96,
    "window alone": 3.01 / 2.96,
    "memory alone": 3.75 / 2.96,
    "gate from a new projection": 3.16 / 2.96,
    "learned feature maps": 9.04 / 2.96,
    "not fine-tuned": 3.23 / 2.96,
}


def figure(text: list):
    """Return the figure: loss minus that of Liger, and the paper's.

    Args:
        text: stores of tuned variants.
    """
    fig, (left, right) = new_figure(2, width=9.4, height=4, gridspec_kw={"width_ratios": [1.4, 1]})
    scores, before = joined_scores(text), joined_scores(text, "zero_shot")
    names = [name for name in SHOWN if name in scores]
    rows = {LABELS[name]: scores["liger"] - scores[name] for name in names}
    hollow = {LABELS[name]: scores["liger"] - before[name] for name in names}
    rows["not fine-tuned"] = scores["liger"] - before["liger"]
    colours = {label: COLOURS[0] for label in rows}
    draw_rows(left, rows, colours=colours, hollow=hollow)
    left.axvline(0, color="black", lw=0.8)
    left.set_xscale("symlog", linthresh=0.1)
    left.autoscale()
    ticks = [-0.1, 0, 0.1, 0.3, 1, 3]
    left.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    left.set_xticks([], minor=True)
    left.set_xlabel("validation loss minus that of Liger, nats per character\n(open: before fine-tuning)")
    draw_bars(right, {label: np.log(ratio) for label, ratio in PAPER.items()})
    right.set_xlim(0, 1.3)
    right.set_xlabel("paper, Llama-3-8B: log of the perplexity\nover that of Liger, nats per token")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
