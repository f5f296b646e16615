"""The house style of figures: one size of type, marks that read without colour, the same bytes on every run."""

import hashlib
import io
import json
import re
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
_PIXELS = 150  # an inch, of a figure as PNG
_SHARED = re.compile(rb' *<(clipPath|pattern) id="([ph][0-9a-f]{10})"(.*?)</\1>\n', re.DOTALL)
_TAG, _NUMBER = re.compile(rb"<[^>]*>"), re.compile(rb"(?<![\w.])(?:-0(?![\w.])|-?\d+\.\d{5,})")
_FACTORS = (b"matrix(", b"scale(0.")  # of tags whose numbers multiply others
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


def _steady(contents: bytes) -> bytes:
    """An SVG of Matplotlib without what hangs on digits that it does not print.

    Clip paths and hatches are named by a hash of coordinates before they are rounded, and one that rounds to the same
    as another is written beside it: here they are named by what is written, once. Coordinates have four decimals in the
    place of six, because sums of halves, quarters and so on often lie midway between two numbers of six decimals.
    """

    def shorter(number: re.Match) -> bytes:
        return f"{round(float(number[0]), 4) + 0.0:.4f}".rstrip("0").rstrip(".").encode()

    contents = _TAG.sub(
        lambda tag: tag[0] if any(one in tag[0] for one in _FACTORS) else _NUMBER.sub(shorter, tag[0]), contents
    )
    names = {
        name: name[:1] + hashlib.sha256(kind + body).hexdigest()[:10].encode()
        for kind, name, body in _SHARED.findall(contents)
    }
    written = set()

    def once(match: re.Match) -> bytes:
        name = names[match[2]]
        first = name not in written
        written.add(name)
        return match[0].replace(match[2], name, 1) if first else b""

    contents = _SHARED.sub(once, contents)
    return re.sub(rb"url\(#([^)]+)\)", lambda use: b"url(#" + names.get(use[1], use[1]) + b")", contents)


def png_bytes(figure: Figure) -> bytes:
    """A figure as PNG, for slides and for pages that take no SVG; the same bytes on every run."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_PIXELS, metadata={"Software": None})
    return buffer.getvalue()


def svg_bytes(figure: Figure, description: dict) -> bytes:
    """A figure as SVG, the same bytes on every run, with a description, a digest of the whole and its data inside.

    Values that differ by less than is printed give the same bytes.

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
    body, end, _ = _steady(buffer.getvalue()).rpartition(b"</svg>")
    contents = body + f'<metadata id="{_DATA}">{escape(table)}</metadata>\n'.encode() + end + b"\n"
    return contents.replace(_DIGEST.encode(), digest_of(contents).encode(), 1)


def digest_of(contents: bytes) -> str:
    """Digest of the bytes of a figure, of 16 letters."""
    return hashlib.sha256(contents).hexdigest()[:16]


def data(path: Path) -> str:
    """What a figure draws, as CSV; empty where the file does not hold it."""
    import xml.etree.ElementTree as ElementTree

    entry = ElementTree.parse(path).find(f".//{{http://www.w3.org/2000/svg}}metadata[@id='{_DATA}']")
    return "" if entry is None else entry.text or ""


def description(path: Path, check: bool = True) -> dict:
    """What `svg_bytes` wrote into a figure's metadata.

    Args:
        path: the SVG.
        check: compare the file's bytes with the digest that it carries, and those of the PNG beside it with the
            `picture` of the description, where it has one.

    Raises:
        ValueError: the file is not a whole SVG of this project, or it or its PNG does not match its digest.
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
        if check and digest_of(blank) != digest:
            raise ValueError(f"{path}: damaged: the figure does not match its digest")
        picture = path.with_suffix(".png")
        if check and "picture" in record and not picture.exists():
            raise ValueError(f"{path}: damaged: {picture.name} is missing beside it")
        if check and "picture" in record and digest_of(picture.read_bytes()) != record["picture"]:
            raise ValueError(f"{path}: damaged: {picture.name} beside it is not the picture that was drawn")
        return record
    except (ElementTree.ParseError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not a whole figure of this project ({error})") from None
