"""What a figure draws, as a table: a row for each point, bar and cell, so that nobody reads numbers off a plot."""

import csv
import io
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

HEAD = ("panel", "mark", "series", "x", "y", "low", "high", "value")
MOST_CELLS = 4096  # of an image; a photograph is no table


def _text(value) -> str:
    if value is None or value is np.ma.masked:
        return ""
    if not isinstance(value, int | float | np.number):
        return str(value)
    # rounded twice, because a power of two may lie midway between two numbers of six digits; zero has no sign
    return f"{float(f'{value:.12g}') + 0.0:.6g}"


def _named(label) -> str:
    """The label of a series; empty where Matplotlib made it up."""
    label = str(label)
    return "" if label.startswith("_") else " ".join(label.split())


def _lines(axes: Axes, taken: set) -> Iterator[tuple]:
    for line in axes.lines:
        if line in taken:
            continue
        x, y = line.get_xdata(orig=True), line.get_ydata(orig=True)
        if line.get_transform() != axes.transData:  # a reference across the panel, or a mark beside it
            along = [np.unique(np.asarray(one)) for one in (x, y)]
            fixed = ["" if len(one) != 1 else one[0] for one in along]
            if fixed != ["", ""]:
                yield "reference line", _named(line.get_label()), *fixed, "", "", ""
            continue
        for point in zip(np.atleast_1d(np.asarray(x, dtype=object)), np.atleast_1d(np.asarray(y, dtype=object))):
            yield "line", _named(line.get_label()), *point, "", "", ""


def _error_bars(container: ErrorbarContainer) -> Iterator[tuple]:
    line, _, bars = container
    segments = bars[-1].get_segments() if container.has_yerr else []
    points = line.get_xydata() if isinstance(line, Line2D) else [one.mean(axis=0) for one in segments if len(one)]
    for number, (x, y) in enumerate(points):
        known = len(segments) == len(points) and len(segments[number])  # an error that is not a number is not drawn
        low, high = segments[number][[0, -1], 1] if known else ("", "")
        yield "point", _named(container.get_label()), x, y, low, high, ""


def _collection(axes: Axes, one: Collection) -> Iterator[tuple]:
    label = _named(one.get_label())
    if isinstance(one, QuadMesh):
        corners, values = one.get_coordinates(), np.ma.asarray(one.get_array())
        rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
        if values.size == rows * columns <= MOST_CELLS:
            middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
            for (x, y), value in zip(middles.reshape(-1, 2), values.ravel()):
                yield "cell", label, x, y, "", "", value
    elif isinstance(one, PathCollection) and one.get_offset_transform() == axes.transData:
        values = np.ma.asarray(one.get_array()) if one.get_array() is not None else None
        offsets = np.ma.asarray(one.get_offsets())
        for number, (x, y) in enumerate(offsets):
            yield (
                "point",
                label,
                x,
                y,
                "",
                "",
                values[number] if values is not None and len(values) == len(offsets) else "",
            )
    elif isinstance(one, PolyCollection):
        for path in one.get_paths():
            ends: dict[float, list[float]] = {}
            for x, y in path.vertices:
                ends.setdefault(float(x), []).append(float(y))
            for x, ys in sorted(ends.items()):
                yield "band", label, x, "", min(ys), max(ys), ""
    elif isinstance(one, LineCollection) and one.get_transform() == axes.transData:
        for segment in one.get_segments():
            for x, y in segment:
                yield "segment", label, x, y, "", "", ""


def _image(one: AxesImage) -> Iterator[tuple]:
    values = np.ma.asarray(one.get_array())
    if values.ndim == 2 and values.size <= MOST_CELLS:
        left, right, bottom, top = one.get_extent()
        rows, columns = values.shape
        ys = np.linspace(bottom, top, 2 * rows + 1)[1::2]
        xs = np.linspace(left, right, 2 * columns + 1)[1::2]
        for (row, column), value in np.ndenumerate(values):
            yield (
                "cell",
                _named(one.get_label()),
                xs[column],
                ys[row if one.origin == "lower" else rows - 1 - row],
                "",
                "",
                value,
            )


def _panel(axes: Axes) -> Iterator[tuple]:
    """Rows of one panel, without its name."""
    taken: set = set()
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer):
            line, caps, bars = container
            taken |= {line, *caps, *bars}
            yield from _error_bars(container)
        elif isinstance(container, BarContainer):
            taken |= set(container.patches)
            horizontal = container.orientation == "horizontal"
            for bar in container.patches:
                x, y = bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height()
                if horizontal:
                    x, y = bar.get_x() + bar.get_width(), bar.get_y() + bar.get_height() / 2
                yield "bar", _named(container.get_label()), x, y, "", "", ""
    yield from _lines(axes, taken)
    for one in axes.collections:
        if one not in taken:
            yield from _collection(axes, one)
    for one in axes.patches:
        if hasattr(one, "get_data"):  # steps
            values, edges, _ = one.get_data()
            for left, right, value in zip(edges, edges[1:], values):
                yield "step", _named(one.get_label()), (left + right) / 2, value, "", "", ""
    for one in axes.images:
        yield from _image(one)


def table(figure: Figure) -> str:
    """What a figure draws, as CSV: comment lines with the axes of each panel, then a row for each mark.

    Args:
        figure: of Matplotlib, drawn or not.

    Returns:
        Columns panel (a letter), mark, series (as in the legend), x, y, low, high (ends of intervals and bands) and
        value (of a cell's or point's colour); numbers to six digits. Empty where nothing is drawn as data.
    """
    lines, rows = [], []
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    for letter, axes in zip("abcdefghijklmnopqrstuvwxyz", panels):
        words = {"title": axes.get_title(), "x": axes.get_xlabel(), "y": axes.get_ylabel()}
        lines.append(f"# panel {letter}: " + "; ".join(f"{key}: {_named(text)}" for key, text in words.items() if text))
        rows += [(letter, *row) for row in _panel(axes)]
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows([_text(cell) for cell in row] for row in rows)
    return "\n".join(lines) + "\n" + buffer.getvalue()
