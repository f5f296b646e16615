"""Colours, markers and line styles of named methods, the same in all figures of a paper."""

from lib.atlas.job.figure import COLOURS, LINESTYLES, MARKERS


def styles_of(names: dict[str, str]) -> dict[str, dict]:
    """Keywords of Matplotlib's `plot` by name: colour, marker, line style, and the name in words as label.

    Args:
        names: words for a legend by name; their order is that of colours.
    """
    return {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "ls": LINESTYLES[i % len(LINESTYLES)],
            "label": words,
        }
        for i, (name, words) in enumerate(names.items())
    }
