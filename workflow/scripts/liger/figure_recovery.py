"""Figure: what each linearization recovers."""

import numpy as np

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.drawing.linearized import LABELS, draw_rows, joined_scores

# mean of PIQA, ARC-e, ARC-c, HellaSwag, WinoGrande and MMLU over that of the base (Table 2)
PAPER = {
    "Llama-3.2-1B": {"Liger": 52.9 / 55.1, "LoLCATs": 51.1 / 55.1},
    "Llama-3.2-3B": {"Liger": 60.7 / 66.1, "LoLCATs": 55.6 / 66.1},
    "Llama-3-8B": {"Liger": 67.6 / 71.7, "LoLCATs": 65.4 / 71.7},
    "Mistral-7B": {"Liger": 65.1 / 72.2, "LoLCATs": 59.8 / 72.2},
}
LEAST = -0.2  # recovery that is drawn
SHOWN = ("lora", "liger", "window_only", "recurrent_only", "no_gate", "lolcats", "lolcats_window", "liger_h")
SHOWN += ("scratch", "scratch_hybrid", "scratch_long")


def figure(bases_text, text: list):
    """Return the figure: recovery by variant, and the paper's ratios of scores.

    Args:
        bases_text: store of the bases, whose floor is the unigram model.
        text: stores of tuned variants.
    """
    fig, (left, right) = new_figure(2, width=9, height=3.6, gridspec_kw={"width_ratios": [1.5, 1]})
    floor, scores, before = bases_text.attrs["floor"], joined_scores(text), joined_scores(text, "zero_shot")
    names = [name for name in SHOWN if name in scores]
    rows, hollow = (
        {LABELS[name]: (part[name] - floor) / (scores["lora"] - floor) for name in names} for part in (scores, before)
    )
    colours = {LABELS[name]: COLOURS[0 if name.startswith(("liger", "lora")) else 1] for name in names}
    untrained = {LABELS[name] for name in names if name.startswith("scratch")}
    hollow = {label: values for label, values in hollow.items() if label not in untrained}
    draw_rows(left, rows, colours=colours, hollow=hollow)
    left.axvline(0.9, **REFERENCE)
    for place, (label, values) in enumerate(rows.items()):
        if label in hollow and np.mean(hollow[label]) < LEAST:
            text = f"◁ {np.mean(hollow[label]):.2f} before"
            left.annotate(text, (LEAST, place), fontsize=8, va="center", color=colours[label])
        elif values.mean() < LEAST:
            left.annotate(f"◁ {values.mean():.2f}", (LEAST, place), fontsize=8, va="center", color=colours[label])
    left.set_xlim(left=LEAST)
    left.set_xlabel("recovery of the base's performance\n(open: before fine-tuning; dashed: pass rule)")
    for i, values in enumerate(PAPER.values()):
        for j, (name, ratio) in enumerate(values.items()):
            right.barh(i + 0.36 * (j - 0.5), ratio, 0.34, color=COLOURS[j], label=name if i == 0 else None)
            right.annotate(f"{ratio:.3f}", (ratio, i + 0.36 * (j - 0.5)), xytext=(3, 0), textcoords="offset points",
                           va="center", fontsize=7)  # fmt: skip
    right.set_yticks(range(len(PAPER)), list(PAPER))
    right.set_ylim(len(PAPER) - 0.4, -0.9)
    right.set_xlim(0, 1.12)
    right.set_xlabel("paper: mean score over that of the base")
    right.legend(ncols=2, loc="upper left")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
