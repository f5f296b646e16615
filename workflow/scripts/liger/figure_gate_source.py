"""Figure: where the gate comes from."""

from matplotlib.ticker import MaxNLocator

from lib.atlas.job.figure import COLOURS, new_figure
from lib.drawing.linearized import draw_bars, draw_rows, joined_scores

NAMES = {"liger": "key", "gate_query": "query", "gate_value": "value", "gate_projection": "new projection"}
PAPER = {"key": 67.6, "query": 66.7, "value": 66.5, "new projection": 63.8}  # mean of six tasks (Tables 6 and 8)


def figure(text: list):
    """Return the figure: loss by source of the gate, and the paper's mean scores.

    Args:
        text: stores of tuned variants.
    """
    fig, (left, right) = new_figure(2, width=8.4, height=2.6)
    scores, before = joined_scores(text), joined_scores(text, "zero_shot")
    rows, hollow = (
        {label: scores["liger"] - part[name] for name, label in NAMES.items() if name in scores}
        for part in (scores, before)
    )
    draw_rows(left, rows, colours=dict(zip(NAMES.values(), COLOURS)), hollow=hollow)
    left.axvline(0, color="black", lw=0.8)
    left.xaxis.set_major_locator(MaxNLocator(5))
    left.set(
        xlabel="validation loss minus that with the gate\nfrom the key, nats per character (open: before)",
        ylabel="gate from",
    )
    draw_bars(right, PAPER, 1)
    right.set_xlim(55, 70)
    right.set_xlabel("paper, 8B: mean score of six tasks (axis from 55)")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
