"""Recall of many architectures: names, and trainings as points about their mean."""

import textwrap

import numpy as np

from lib.atlas.job.figure import COLOURS

LABELS = {
    "single": "one memory",
    "mom": "four memories, two chosen",
    "oracle": "four memories, ideal routing",
    "state_matched": "one memory, keys as wide as all",
    "heads_matched": "five heads",
    "v_expanded": "one memory, values as wide as the chosen",
    "unshared": "three chosen, none shared",
    "unbalanced": "no balance in the loss",
    "balance_tenfold": "ten times the balance",
    "mom_m1k1": "one memory and the shared one",
    "mom_m2k1": "two memories, one chosen",
    "mom_m2k2": "two memories, both chosen",
    "mom_m4k1": "four memories, one chosen",
    "mom_m4k4": "four memories, all chosen",
    "mom_m8k1": "eight memories, one chosen",
    "mom_m8k2": "eight memories, two chosen",
    "mom_m8k4": "eight memories, four chosen",
    "mom_one_pair": "keys and values shared by all",
    "mom_conv_memory": "convolution along each memory",
    "mom_narrow": "equal active parameters",
    "softmax": "softmax attention",
    "hybrid": "second layer softmax attention",
}
TEXT_LABELS = {
    "mom": "memories (gated delta)",
    "single": "one memory (gated delta)",
    "softmax": "softmax, rotary",
    "alibi": "softmax, ALiBi",
}
RULES = {
    "linear": "no decay",
    "retention": "fixed decay",
    "scalar": "scalar gate",
    "gla": "gate by channel",
    "gated_delta": "gated delta rule",
}


def place_trainings(axis, place: float, values, colour: str = COLOURS[0], marker: str = "o", label=None) -> None:
    """Draw trainings as points in a row, and their mean as a bar across it.

    Args:
        axis: where to draw, values to the right.
        place: of the row.
        values: of the trainings.
        colour, marker, label: of the points.
    """
    values = np.asarray(values, dtype=float)
    offsets = place + (np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1))
    axis.plot(values, offsets, ls="none", marker=marker, ms=4, color=colour, mec="none", alpha=0.8, label=label)
    axis.plot([values.mean()] * 2, [place - 0.34, place + 0.34], color="black", lw=1.5)


def name_absent(axis, absent: list[str]) -> None:
    """Say above the axes what was not trained at this scale; nothing where all was."""
    if absent:
        width = int(13 * axis.figure.get_figwidth())
        text = textwrap.fill("not trained at this scale: " + ", ".join(absent), width)
        axis.set_title(text, fontsize=7.5, loc="left", color="0.3")
