"""Names of linearized variants in words, and scores of several stores joined for figures."""

import numpy as np
import xarray as xr

from lib.atlas.job.figure import COLOURS

LABELS = {
    "lora": "base + adapters",
    "liger": "Liger",
    "no_gate": "no gate",
    "window_only": "window alone",
    "recurrent_only": "memory alone",
    "no_gate_only": "memory alone, no gate",
    "constant": "constant decay",
    "normalised": "no gate, normalised",
    "hgrn2": "gate of HGRN2",
    "gsa": "gate of GSA",
    "gate_query": "gate from query",
    "gate_value": "gate from value",
    "gate_projection": "gate from a new projection",
    "learned_map": "learned feature maps",
    "mix_quarter": "weights .25, .25",
    "mix_one": "weights 1, 1",
    "tuned_lora": "Liger, rate chosen",
    "full": "whole matrices trained",
    "lolcats": "LoLCATs",
    "lolcats_window": "LoLCATs with window",
    "scratch": "memory alone, from nothing",
    "scratch_hybrid": "Liger, from nothing",
    "scratch_long": "Liger, from nothing, all tokens",
    "liger_h": "Liger, last layer softmax",
}


def joined_scores(tuned: list[xr.Dataset], stage: str = "tuned") -> dict[str, np.ndarray]:
    """Scores of the bases `(seed,)` by variant, from the stores of several groups.

    Args:
        tuned: with the variables `tuned` and `zero_shot`, `(variant, seed)`.
        stage: one of the two.
    """
    return {str(name): store[stage].sel(variant=name).values for store in tuned for name in store.variant.values}


def draw_rows(axis, rows: dict[str, np.ndarray], *, colours: dict[str, str], hollow: dict | None = None) -> None:
    """Draw the values of each row as points with a bar at their mean, rows from top to bottom, named at the axis.

    Args:
        axis: where to draw.
        rows: values by label.
        colours: by label.
        hollow: other values by label, drawn as their open mean.
    """
    for place, (label, values) in enumerate(rows.items()):
        offsets = place + np.linspace(-0.15, 0.15, len(values)) * (len(values) > 1)
        axis.plot(values, offsets, "o", ms=4, color=colours[label], alpha=0.8, mec="none")
        axis.plot([np.mean(values)] * 2, [place - 0.34, place + 0.34], color="black", lw=1.4)
        if hollow and label in hollow:
            axis.plot(np.mean(hollow[label]), place, "o", ms=5, mfc="none", mec=colours[label])
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set_ylim(len(rows) - 0.5, -0.5)


def draw_bars(axis, values: dict[str, float], digits: int = 3) -> None:
    """Draw a paper's numbers as grey bars with their values, from top to bottom, named at the axis.

    Args:
        axis: where to draw.
        values: by label.
        digits: after the point.
    """
    for place, value in enumerate(values.values()):
        axis.barh(place, value, color=COLOURS[7])
        text = f"{value:.{digits}f}"
        axis.annotate(text, (value, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8)
    axis.set_yticks(range(len(values)), list(values))
    axis.set_ylim(len(values) - 0.5, -0.5)
