"""Pages of the audit: the index, all claims, all figures, and one page for each paper, which open without a server."""

import csv
import io
import math
from pathlib import Path
from urllib.parse import quote

from lib.atlas.evidence import graph, spread, trend
from lib.atlas.evidence.audit import breakdown, headline
from lib.atlas.evidence.costs import totals
from lib.atlas.job.claims import (
    NEEDS_DATA,
    NOT_EVALUATED,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    VERDICTS,
)
from lib.atlas.names import SUFFIX, listed
from lib.atlas.prose import plain_number, rounded

CHANCE = 1.96  # standard errors in half of a 95 % interval, where a quantity has no interval of its own
_LETTERS = {REPRODUCED: "R", NOT_REPRODUCED: "N", NOT_EVALUATED: "G", NEEDS_DATA: "D", NOT_TESTED: "S"}
_CLASSES = {
    REPRODUCED: "reproduced",
    NOT_REPRODUCED: "failed",
    NOT_EVALUATED: "gated",
    NEEDS_DATA: "data",
    NOT_TESTED: "untested",
}
_BOUNDS = {"below": "less than", "at_most": "at most", "above": "more than", "at_least": "at least"}
_WIDTH, _EDGE, _ROW = 240, 8, 11  # of a bar: pixels across, at its ends, and down for each item
_MOST = 12  # items that a bar shows
_PLAIN = "/:;,+=()*!~"  # letters of a table that mean themselves in an address, beside those of every address
_DECADES = 50  # largest over smallest number from which on a bar is logarithmic


def words(name: str) -> str:
    """A name of the code as words: `share_of_seeds` is "share of seeds"."""
    return name.replace("_", " ")


def parts(quantity: dict) -> list[dict]:
    """Items of a quantity: `label`, `value`, `se`, `low` and `high` (None where unknown), and all that as `text`.

    A quantity with a standard error and no interval gets the normal one.
    """
    values = listed(quantity["value"])
    columns = {key: listed(quantity.get(key)) for key in ("se", "low", "high")}
    columns = {key: column if len(column) == len(values) else [None] * len(values) for key, column in columns.items()}
    labels = quantity.get("labels") or [None] * len(values)
    entries = []
    for label, value, se, low, high in zip(labels, values, columns["se"], columns["low"], columns["high"]):
        if se is not None and low is None and "low" not in quantity and math.isfinite(se):
            low, high = value - CHANCE * se, value + CHANCE * se
        texts = rounded(value, se, low, high) if low is not None and high is not None else rounded(value, se)
        text = texts[0] + (f" ± {texts[1]}" if se is not None else "")
        between = texts[-2:] if low is not None and high is not None else None
        text += f" ({between[0]} to {between[1]})" if between and between[0] != between[1] else ""
        entries.append({"label": label, "value": value, "se": se, "low": low, "high": high, "text": text})
    return entries


def units(quantity: dict) -> str:
    """Over how many units a quantity was estimated, in words; empty where that is not known."""
    if "n" in quantity and "units" in quantity:
        counts = sorted(set(listed(quantity["n"])))
        if not counts:  # a list of no items
            return f"over no {quantity['units']}"
        if counts == [1]:
            name, comma, rest = quantity["units"].partition(",")
            return f"over 1 {name.removesuffix('s')}{comma}{rest}"
        number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"over {number} {quantity['units']}"
    return "exact" if quantity.get("kind") == "exact" else ""


def need(check: dict) -> str:
    """What a pass rule asks of its quantity, in words: "at most 0.25"."""
    name, bound = operator(check)
    if name == "between":
        return f"between {plain_number(bound[0])} and {plain_number(bound[1])}"
    if name == "equals":
        return "exactly " + ", ".join(plain_number(one) for one in listed(bound))
    return f"{_BOUNDS[name]} {plain_number(bound)}"


def operator(check: dict) -> tuple[str, object]:
    """Comparison and bound of a joined check."""
    return next((key, check[key]) for key in (*_BOUNDS, "between", "equals") if key in check)


def _holds(name: str, bound, value) -> bool:
    from lib.atlas.job.claims import holds

    return holds({"quantity": "", name: bound}, value)


def failing(claim: dict) -> list[str]:
    """Each number of a claim that fails its rule, with the rule in words: "ratio: 0.32, needs at most 0.25"."""
    lines = []
    for check in [*claim.get("gate", []), *claim["pass"]]:
        if check["holds"] is not False:
            continue
        name, bound = operator(check)
        entries = parts(claim["quantities"][check["quantity"]])
        if name == "equals" and isinstance(bound, list):
            numbers = [", ".join(entry["text"] for entry in entries)]
        else:
            bad = [entry for entry in entries if not _holds(name, bound, entry["value"])] or entries
            numbers = [(f"{entry['label']}: " if entry["label"] else "") + entry["text"] for entry in bad]
        more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
        lines.append(f"{words(check['quantity'])}: {'; '.join(numbers[:3])}{more}, needs {need(check)}")
    return lines


def firmness(claim: dict) -> str:
    """Whether a verdict is firm or within the error; empty where it is not judged."""
    if claim["firm"] is None:
        return ""
    return "firm" if claim["firm"] else "within error"


def letter(claim: dict) -> str:
    """The letter of a verdict; small where a verdict is within its error."""
    sign = _LETTERS[claim["verdict"]]
    return sign.lower() if firmness(claim) == "within error" else sign


def verdict_class(verdict: str) -> str:
    """Name of a verdict's colour in the style sheet."""
    return _CLASSES[verdict]


def bar(check: dict, quantity: dict) -> dict | None:
    """Geometry of a quantity drawn against its rule: the range that holds, and each item with its interval.

    Args:
        check: a joined check, with its comparison and bound.
        quantity: what it judges.

    Returns:
        Pixels: `width`, `height`, the `good` range, `bounds`, `marks` (`x`, `low`, `high`, `y`, `holds`, `label`) and
        whether the axis is logarithmic; None where a number asks for equality or none is finite.
    """
    name, bound = operator(check)
    if name == "equals":
        return None
    finite = [one for one in parts(quantity) if not isinstance(one["value"], bool) and math.isfinite(one["value"])]
    if not finite:
        return None
    bounds = [float(one) for one in listed(bound)]
    shown = finite[:_MOST]
    drawn = [one[key] for one in shown for key in ("value", "low", "high")]
    numbers = bounds + [number for number in drawn if number is not None and math.isfinite(number)]
    logarithmic = min(numbers) > 0 and max(numbers) > _DECADES * min(numbers)
    scale = math.log10 if logarithmic else float
    start, end = scale(min(numbers)), scale(max(numbers))
    margin = 0.12 * (end - start) or 0.1 * abs(end) or 1.0
    start, end = start - margin, end + margin

    def at(number: float) -> float:
        return round(_EDGE + (_WIDTH - 2 * _EDGE) * (scale(number) - start) / (end - start), 1)

    left, right = {
        "between": lambda: (at(bounds[0]), at(bounds[-1])),
        "below": lambda: (0, at(bounds[0])),
        "at_most": lambda: (0, at(bounds[0])),
        "above": lambda: (at(bounds[0]), _WIDTH),
        "at_least": lambda: (at(bounds[0]), _WIDTH),
    }[name]()
    marks = []
    for row, one in enumerate(shown):
        ends = [at(one[key]) if one[key] is not None and math.isfinite(one[key]) else None for key in ("low", "high")]
        marks.append(
            {
                "x": at(one["value"]),
                "low": ends[0],
                "high": ends[1],
                "y": 8 + _ROW * row,
                "holds": _holds(name, bound, one["value"]),
            }
        )
    texts = "; ".join((f"{one['label']}: " if one["label"] else "") + one["text"] for one in shown)
    return {
        "width": _WIDTH,
        "height": 16 + _ROW * (len(shown) - 1),
        "good": {"x": left, "width": round(right - left, 1)},
        "bounds": [at(one) for one in bounds],
        "marks": marks,
        "logarithmic": logarithmic,
        "hidden": len(finite) - len(shown),
        "words": f"{words(check['quantity'])}: {texts}; needs {need(check)}",
    }


def paper_numbers(claim: dict) -> list[dict]:
    """Where the paper gives a bare number of a measured quantity: `name`, `paper`, `ours` and `ratio` as texts."""
    rows = []
    for name, number in claim.get("paper_number", {}).items():
        quantity = claim["quantities"].get(name)
        theirs = listed(number)
        ours = parts(quantity) if quantity else []
        fit = len(ours) == len(theirs)
        for index, one in enumerate(theirs):
            entry = ours[index] if fit else None
            comparable = entry is not None and one and math.isfinite(entry["value"])
            rows.append(
                {
                    "name": words(name) + (f", {entry['label']}" if entry and entry["label"] else ""),
                    "paper": plain_number(one),
                    "ours": entry["text"] if entry else "; ".join(o["text"] for o in ours) or "not measured",
                    "ratio": f"{entry['value'] / one:.3g}" if comparable else "",
                }
            )
    return rows


def stamp(papers: list[dict]) -> dict:
    """What a run was made from: commits and processors of its papers' claims."""
    commits = dict.fromkeys(paper["measured_by"]["commit"] for paper in papers)
    machines = (paper["measured_by"].get("machine", {}).get("processor") for paper in papers)
    return {"commits": list(commits), "processors": [name for name in dict.fromkeys(machines) if name]}


def minutes(seconds: float) -> str:
    """A time in minutes as a person says it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _render(template: str, templates: list[Path], **values) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates[0].parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"words": words, "parts": parts, "units": units, "need": need, "number": plain_number}
    environment.filters |= {"failing": failing, "firmness": firmness, "letter": letter, "minutes": minutes}
    environment.filters |= {"colour": verdict_class, "paper_numbers": paper_numbers}
    environment.filters |= {"turning": trend.mark, "trends": trend.scales, "turns": spread.turns}
    environment.filters |= {"lineage_drawing": graph.drawing}
    environment.globals |= {"bar": bar, "verdicts": VERDICTS, "letters": _LETTERS}
    return environment.get_template(template).render(**values)


def changes(audit: dict, kept: dict[str, dict[str, str]]) -> list[dict]:
    """Claims whose verdict is not the one that is kept with the project, or of which none is kept.

    Args:
        audit: as for `index`.
        kept: verdict by claim, for each slug.
    """
    return [
        {"slug": paper["slug"], "claim": claim, "before": kept.get(paper["slug"], {}).get(claim["id"])}
        for paper in audit["papers"]
        for claim in paper["claims"]
        if kept.get(paper["slug"], {}).get(claim["id"]) != claim["verdict"]
    ]


def index(
    audit: dict, costs: dict[str, dict], templates: list[Path], kept: dict[str, dict[str, str]], notes: dict[str, dict]
) -> str:
    """The first page: headline, a matrix of verdicts, failures, what changed, totals.

    Args:
        audit: what `lib.atlas.evidence.audit.gather` returned.
        costs: for each slug jobs, wall and CPU seconds and peak memory, where they were recorded.
        templates: the files of the pages, all in one folder.
        kept: for each slug the verdicts that the project's documents state at this scale, by claim.
        notes: outcome of the last check and of the last comparison with a second run (`lib.atlas.evidence.stamp`).
    """
    claims = [claim for paper in audit["papers"] for claim in paper["claims"]]
    tables = {
        "setting": breakdown(claims, "setting"),
        "source of the statement": breakdown(claims, "known_from"),
        "firmness": breakdown([{**claim, "firmness": firmness(claim)} for claim in claims], "firmness"),
        "other seeds and machines": breakdown([{**claim, "runs": spread.kind(claim)} for claim in claims], "runs"),
        "central claims": breakdown([claim for claim in claims if claim.get("central")], "setting"),
    }
    if not any("stability" in claim for claim in claims):
        del tables["other seeds and machines"]
    return _render(
        "index.html",
        templates,
        audit=audit,
        headline=headline(claims),
        longest=max((len(paper["claims"]) for paper in audit["papers"]), default=0),
        tables=tables,
        costs=costs,
        stamp=stamp(audit["papers"]),
        kept=kept,
        changes=changes(audit, kept),
        notes=notes,
    )


def search(audit: dict, templates: list[Path]) -> str:
    """The page of all claims in one table, with search and filters; arguments as for `index`."""
    return _render("claims.html", templates, audit=audit, stamp=stamp(audit["papers"]))


def by_paper(figures: list[Path]) -> dict[str, dict[str, Path]]:
    """Figures and tables by slug and name: a figure is found by its paper's folder and its own name."""
    papers: dict[str, dict[str, Path]] = {}
    for path in figures:
        papers.setdefault(path.parents[1].name, {})[path.stem] = path
    return papers


def gallery(audit: dict, figures: dict[str, dict[str, Path]], templates: list[Path]) -> str:
    """The page of all figures as thumbnails.

    Args:
        audit, templates: as for `index`.
        figures: for each slug the path of each figure or table; those that need missing data are left out.
    """
    links = {slug: {name: _link(path) for name, path in paths.items()} for slug, paths in figures.items()}
    return _render("figures.html", templates, audit=audit, links=links, stamp=stamp(audit["papers"]))


def _link(path: Path) -> str:
    """A figure or table as the pages link to it: the audit lies beside the folders of the papers."""
    return "../" + "/".join(path.parts[-3:])


def _table(path: Path) -> list[list[str]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.reader(io.StringIO("\n".join(lines))))


def _behind(sources: list[dict]) -> set[str]:
    """Names of the stores that a claim rests on, and of those behind them, without their suffix."""
    names = set()
    for entry in sources:
        if "stage" in entry:
            inner = [one for value in entry.get("inputs", {}).values() for one in listed(value)]
            names |= {entry["store"].removesuffix(SUFFIX)} | _behind(inner)
    return names


def cost_of(claim: dict, jobs: dict[str, dict]) -> float | None:
    """CPU seconds of the stores that a claim rests on; None where the time of one was not recorded.

    Args:
        claim: joined, with its `sources`.
        jobs: of its paper (`lib.atlas.evidence.costs.measured`); a stage's record is named as its store.
    """
    names = _behind(claim["sources"])
    return sum(jobs[name]["cpu"] for name in names) if names and names <= jobs.keys() else None


def paper(audit: dict, figures: dict[str, Path], jobs: dict[str, dict], templates: list[Path]) -> str:
    """The page of one paper.

    Args:
        audit: what `lib.atlas.evidence.audit.gather` returned for this paper alone.
        figures: paths of its figures and tables by name.
        jobs: wall and CPU seconds and peak memory of each, where they were recorded (`lib.atlas.evidence.costs`).
        templates: as for `index`.
    """
    from lib.atlas.job.figure import data

    (entry,) = audit["papers"]
    drawn = {name: data(path) for name, path in figures.items() if path.suffix == ".svg"}
    tables = {name: _table(path) for name, path in figures.items() if path.suffix == ".csv"}
    return _render(
        "paper.html",
        templates,
        audit=audit,
        paper=entry,
        links={name: _link(path) for name, path in figures.items()},
        pictures_of={name: _link(path.with_suffix(".png")) for name, path in figures.items() if path.suffix == ".svg"},
        tables=tables,
        data={name: "data:text/csv;charset=utf-8," + quote(text, safe=_PLAIN) for name, text in drawn.items() if text},
        cost=totals(jobs) if jobs else None,
        costs={claim["id"]: cost_of(claim, jobs) for claim in entry["claims"]},
        stamp=stamp([entry]),
    )
