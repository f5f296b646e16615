"""Figure: three gates."""

from lib.atlas.job.figure import COLOURS, REFERENCE, new_figure
from lib.drawing.linearized import draw_bars, draw_rows, joined_scores

NAMES = {"liger": "GLA", "hgrn2": "HGRN2", "gsa": "GSA"}
PAPER = {"GLA": 67.6 / 71.7, "HGRN2": 64.0 / 71.7, "GSA": 65.6 / 71.7}  # mean of six tasks over the base (Table 5)


def figure(bases_text, text: list):
    """Return the figure: recovery by gate, and the paper's ratios.

    Args:
        bases_text: store of the bases.
        text: stores of tuned variants.
    """
    fig, (left, right) = new_figure(2, width=8, height=2.4)
    floor, scores, before = bases_text.attrs["floor"], joined_scores(text), joined_scores(text, "zero_shot")
    rows, hollow = (
        {label: (part[name] - floor) / (scores["lora"] - floor) for name, label in NAMES.items() if name in scores}
        for part in (scores, before)
    )
    draw_rows(left, rows, colours=dict(zip(NAMES.values(), COLOURS)), hollow=hollow)
    left.axvline(0.9, **REFERENCE)
    left.set_xlabel("recovery on characters (open: before fine-tuning)")
    draw_bars(right, PAPER)
    right.axvline(0.9, **REFERENCE)
    right.set_xlim(0, 1.15)
    right.set_xlabel("paper, 8B: mean score over the base's")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
