"""The house style of figures: one size of type, marks that read without colour, the same bytes on every run."""

import hashlib
import io
import json
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.figure import Figure

from lib.atlas.job import figure_data

# Okabe and Ito's colours, which colour-blind readers can tell apart, in an order that also differs in lightness
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINESTYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
REFERENCE = {"color": "black", "linestyle": (0, (4, 2)), "linewidth": 1.0}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "errorbar.capsize": 2,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "linear-atlas",
    "image.cmap": "cividis",
    "path.simplify": False,
}

_DIGEST = "digest-goes-here"
_DATA = "data"
LARGEST_TABLE = 200_000  # letters; what is more is in the stores

matplotlib.rcParams.update(STYLE)  # legends and annotations are made by the scripts, after `new_figure` returned


def new_figure(ncols: int = 1, nrows: int = 1, width: float | None = None, height: float | None = None, **options):
    """A figure in the house style.

    Args:
        ncols, nrows: panels.
        width, height: inches of the whole figure; 4.2 by 3.2 for each panel by default.
        options: passed on to `Figure.subplots` (`sharex`, `squeeze`, `gridspec_kw`, ...).

    Returns:
        `(figure, axes)` as `matplotlib.pyplot.subplots` does, without pyplot's global state.
    """
    figure = Figure(figsize=(width or 4.2 * ncols, height or 3.2 * nrows), layout="constrained")
    axes = figure.subplots(nrows, ncols, **options)
    return figure, axes


def panel_labels(axes) -> None:
    """Letter the panels a, b, c, ... above their upper left corners."""
    for letter, axis in zip("abcdefghijklmnopqrstuvwxyz", getattr(axes, "flat", axes)):
        axis.annotate(
            letter, (0, 1), (-8, 6), xycoords="axes fraction", textcoords="offset points",
            ha="right", va="bottom", fontweight="bold", fontsize=11,
        )  # fmt: skip


def svg_bytes(figure: Figure, description: dict) -> bytes:
    """A figure as SVG, the same bytes on every run, with a description, a digest of the whole and its data inside.

    The data are the table of `lib.atlas.job.figure_data`, unless that is larger than `LARGEST_TABLE`.
    """
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format="svg",
        metadata={
            "Date": None,
            "Creator": "Linear Atlas",
            "Description": json.dumps({**description, "digest": _DIGEST}, sort_keys=True),
        },
    )
    table = figure_data.table(figure)
    if len(table) > LARGEST_TABLE:
        table = ""
    body, end, _ = buffer.getvalue().rpartition(b"</svg>")
    contents = body + f'<metadata id="{_DATA}">{escape(table)}</metadata>\n'.encode() + end + b"\n"
    return contents.replace(_DIGEST.encode(), hashlib.sha256(contents).hexdigest()[:16].encode(), 1)


def data(path: Path) -> str:
    """What a figure draws, as CSV; empty where the file does not hold it."""
    import xml.etree.ElementTree as ElementTree

    entry = ElementTree.parse(path).find(f".//{{http://www.w3.org/2000/svg}}metadata[@id='{_DATA}']")
    return "" if entry is None else entry.text or ""


def description(path: Path, check: bool = True) -> dict:
    """What `svg_bytes` wrote into a figure's metadata.

    Args:
        path: the SVG.
        check: hold the file's bytes against the digest that it carries.

    Raises:
        ValueError: the file is not a whole SVG of this project, or does not match its digest.
    """
    import xml.etree.ElementTree as ElementTree

    try:
        contents = path.read_bytes()
        root = ElementTree.fromstring(contents)
        record = json.loads(root.find(".//{http://purl.org/dc/elements/1.1/}description").text)
        digest = record.get("digest", "")
        blank = contents.replace(
            f'"digest": "{digest}", "inputs"'.encode(), f'"digest": "{_DIGEST}", "inputs"'.encode(), 1
        )
        if check and hashlib.sha256(blank).hexdigest()[:16] != digest:
            raise ValueError(f"{path}: damaged: the figure does not match its digest")
        return record
    except (ElementTree.ParseError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a whole figure of this project ({error})") from None
