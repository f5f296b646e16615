"""Fragments of the audit's pages: a claim's quantities at every scale, and in runs under other seeds and elsewhere."""

import math

from markupsafe import Markup, escape

from lib.atlas.evidence.audit import number
from lib.atlas.evidence.spread import sentence, turns
from lib.atlas.names import SCALES, listed

_COLUMN, _HEIGHT, _EDGE, _LEFT = 74, 84, 8, 58  # pixels of a drawing: a scale's width, its height, margins
_MOST = 12  # items of a quantity that are drawn
_DECADES = 50  # largest over smallest number from which on the axis is logarithmic


def mark(claim: dict) -> Markup:
    """A tag for a claim whose verdict is not the same in all its runs; nothing for others."""
    if not turns(claim):
        return Markup("")
    return Markup('<span class="tag turns" title="{}">⇄ verdict turns</span>').format(sentence(claim["stability"]))


def _points(claim: dict, name: str, scale: str) -> list[dict]:
    """Columns of a drawing: for each scale the quantity there, and its values in other runs."""
    quantities = {other: entry["quantities"].get(name) for other, entry in claim.get("scales", {}).items()}
    quantities[scale] = claim["quantities"].get(name)
    stability = claim.get("stability", {"quantities": {}, "earlier": ""})
    runs = stability["quantities"].get(name, {"values": []})["values"]
    runs = runs if stability["earlier"] else runs[1:]  # the first one is the run at hand
    return [
        {"scale": one, "quantity": quantities[one], "runs": runs if one == scale else []}
        for one in SCALES
        if quantities.get(one)
    ]


def _numbers(value) -> list[float]:
    items = [item for item in listed(value)[:_MOST] if not isinstance(item, bool) and item is not None]
    return [float(item) for item in items if math.isfinite(item)]


def _bounds(rule: dict) -> list[float]:
    """Bounds of a rule that compares numbers."""
    value = next((rule[key] for key in ("below", "at_most", "above", "at_least", "between") if key in rule), [])
    return [float(one) for one in listed(value)]


def drawing(claim: dict, check: dict, scale: str) -> Markup:
    """A quantity at every scale where it is known, with its values in other runs of this scale.

    Args:
        claim: of a joined audit.
        check: one of its pass rules, with its bound.
        scale: of the audit.

    Returns:
        An SVG; nothing where a rule asks for equality, or where neither other scales nor other runs are known.
    """
    columns = _points(claim, check["quantity"], scale)
    if "equals" in check or (len(columns) < 2 and not any(one["runs"] for one in columns)):
        return Markup("")
    bounds = _bounds(check)
    drawn = [*bounds]
    for one in columns:
        drawn += [n for key in ("value", "low", "high") for n in _numbers(one["quantity"].get(key, []))]
        drawn += [n for value in one["runs"] for n in _numbers(value)]
    if len(drawn) == len(bounds):
        return Markup("")
    logarithmic = min(drawn) > 0 and max(drawn) > _DECADES * min(drawn)
    scaled = math.log10 if logarithmic else float
    start, end = scaled(min(drawn)), scaled(max(drawn))
    margin = 0.08 * (end - start) or 0.1 * abs(end) or 1.0
    start, end = start - margin, end + margin

    def y(value: float) -> float:
        return round(_EDGE + (_HEIGHT - 2 * _EDGE) * (end - scaled(value)) / (end - start), 1)

    top, bottom = _EDGE / 2, _HEIGHT - _EDGE / 2
    width = _LEFT + _COLUMN * len(columns)
    own = [_LEFT + _COLUMN * index for index, one in enumerate(columns) if one["scale"] == scale]
    parts = [_range(check, [y(one) for one in bounds], left, top, bottom) for left in own]
    parts += [f'<line class="bound" x1="{_LEFT}" x2="{width}" y1="{y(one)}" y2="{y(one)}"/>' for one in bounds]
    for edge, value in ((y(max(drawn)), max(drawn)), (y(min(drawn)), min(drawn))):
        parts.append(f'<text class="axis" x="{_LEFT - 4}" y="{edge + 4}">{value:.3g}</text>')
    said = []
    for index, one in enumerate(columns):
        middle = _LEFT + _COLUMN * (index + 0.5)
        parts.append(f'<text class="scale" x="{middle}" y="{_HEIGHT + 10}">{one["scale"]}</text>')
        parts += _items(one["quantity"], middle - (12 if one["runs"] else 0), y)
        for run, value in enumerate(one["runs"]):
            x = round(middle + 4 + 26 * run / max(1, len(one["runs"]) - 1), 1)
            parts += [f'<circle class="run" cx="{x}" cy="{y(item)}" r="2.2"/>' for item in _numbers(value)]
        said.append(f"{one['scale']} {', '.join(number(item) for item in _numbers(one['quantity']['value'])[:4])}")
    words = f"{check['quantity'].replace('_', ' ')} by scale: {'; '.join(said)}"
    axis = '<span class="soft small">logarithmic axis</span>' if logarithmic else ""
    return Markup(
        f'<svg class="trend" width="{width}" height="{_HEIGHT + 14}" viewBox="0 0 {width} {_HEIGHT + 14}" role="img" '
        f'aria-label="{escape(words)}">{"".join(parts)}</svg>{axis}'
    )


def _range(check: dict, at: list[float], left: float, top: float, bottom: float) -> str:
    """The range in which a rule holds, at the scale of the audit: other scales may have other bounds."""
    if "between" in check:
        upper, lower = sorted(at)
    else:
        upper, lower = (at[0], bottom) if "below" in check or "at_most" in check else (top, at[0])
    height = round(max(0.0, lower - upper), 1)
    return f'<rect class="good" x="{left}" y="{upper}" width="{_COLUMN}" height="{height}"/>'


def _items(quantity: dict, middle: float, y) -> list[str]:
    """Items of a quantity side by side, each with its interval."""
    values = listed(quantity["value"])[:_MOST]
    lows, highs = (listed(quantity.get(key)) for key in ("low", "high"))
    parts = []
    for index, value in enumerate(values):
        x = round(middle + (index - (len(values) - 1) / 2) * min(6.0, 24 / len(values)), 1)
        if isinstance(value, bool) or value is None or not math.isfinite(value):
            continue
        ends = [several[index] if len(several) == len(listed(quantity["value"])) else None for several in (lows, highs)]
        if all(end is not None and math.isfinite(end) for end in ends):
            parts.append(f'<line x1="{x}" x2="{x}" y1="{y(ends[0])}" y2="{y(ends[1])}"/>')
        parts.append(f'<circle cx="{x}" cy="{y(value)}" r="3"/>')
    return parts


def scales(claim: dict, scale: str) -> Markup:
    """Rows of a claim's list on its paper's page: how stable its verdict is, and its quantities over the scales.

    Quantities that are everywhere the same are named and not drawn; drawings of claims that are not central are folded.
    """
    rows = []
    if "stability" in claim:
        rows.append(Markup("<dt>Other runs</dt><dd>{}</dd>").format(sentence(claim["stability"])))
    others = claim.get("scales", {})
    checks = {check["quantity"]: check for check in claim["pass"]}
    constant = [name.replace("_", " ") for name in checks if _constant(claim, name, scale)]
    drawings = {name: drawing(claim, check, scale) for name, check in checks.items()}
    shown = {name.replace("_", " "): svg for name, svg in drawings.items() if svg}
    shown = {name: svg for name, svg in shown.items() if name not in constant}
    if not others and not shown:
        return Markup("").join(rows)
    verdicts = {other: entry["verdict"] + _earlier(entry) for other, entry in others.items()} | {
        scale: claim["verdict"]
    }
    said = ["; ".join(f"{one}: {verdicts[one]}" for one in SCALES if one in verdicts)] if others else []
    said += [f"everywhere the same: {', '.join(constant)}"] if constant else []
    text = Markup("<div>{}.</div>").format(". ".join(said)) if said else Markup("")
    figures = Markup("").join(
        Markup('<div class="trends"><span class="small">{}</span>{}</div>').format(name, svg)
        for name, svg in shown.items()
    )
    if shown and "stability" in claim:
        figures += Markup(
            '<div class="soft small">Small circles: runs under other root seeds, on other machines.</div>'
        )
    if shown and not claim.get("central"):
        figures = Markup("<details><summary>Drawings</summary>{}</details>").format(figures)
    rows.append(Markup("<dt>{}</dt><dd>{}{}</dd>").format("Over scales" if others else "Spread", text, figures))
    return Markup("").join(rows)


def _constant(claim: dict, name: str, scale: str) -> bool:
    """Whether a quantity is the same at every scale and in every run that is known, of which there are several."""
    columns = _points(claim, name, scale)
    values = [value for one in columns for value in (one["quantity"]["value"], *one["runs"])]
    return len(values) > 1 and all(value == values[0] for value in values)


def _earlier(entry: dict) -> str:
    return f" ({entry['earlier']})" if entry["earlier"] else ""
