"""The audit: every claim of every paper beside what was measured, with the lineage of each number."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

from lib.atlas.evidence import runs as kept_runs
from lib.atlas.evidence.spread import beside, sentence, turns
from lib.atlas.job.claims import REPRODUCED, VERDICTS, at_scale, rule_text
from lib.atlas.names import SCALES
from lib.atlas.prose import filled
from lib.atlas.workflow.config import load_yaml

COLUMNS = (
    "paper",
    "id",
    "statement",
    "where",
    "known_from",
    "measures",
    "paper_value",
    "measured",
    "standard_error",
    "seeds",
    "pass_rule",
    "verdict",
    "stability",
    "other_scales",
    "scale",
    "smallest_scale",
    "rests_on",
    "code",
    "commit",
)


def number(value) -> str:
    """A number as a person writes it: integers in full, others to five significant digits."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    return f"{value:.5g}"


def quantity_text(quantity: dict) -> list[str]:
    """A measured quantity as text, one line per item: label, value ± standard error."""
    value, se, labels = quantity["value"], quantity.get("se"), quantity.get("labels")
    values = value if isinstance(value, list) else [value]
    errors = se if isinstance(se, list) else [se] * len(values)
    names = labels or [None] * len(values)
    items = [
        (f"{name}: " if name else "") + number(item) + (f" ± {error:.2g}" if error is not None else "")
        for name, item, error in zip(names, values, errors)
    ]
    return items if labels else [", ".join(items)]


def sources(claim: dict, provenance: dict) -> list[dict]:
    """The stores that a claim's numbers come from, each with its own lineage."""
    entries = []
    for name in claim["rests_on"]:
        inputs = provenance["inputs"][name]
        entries += [{"name": name, **entry} for entry in (inputs if isinstance(inputs, list) else [inputs])]
    return entries


_JUDGED = ("id", "pass", "scale", "gate")  # of a claim in the paper's file, what the verdict already holds


def setting_at(setting, scale: str, smallest: str) -> str:
    """What was tried at a scale; of a claim that is not judged there, what is tried where it is.

    Args:
        setting: of the paper's file: one for all scales, or by scale.
        scale: of the run.
        smallest: scale from which on the claim is judged.
    """
    return at_scale(setting, max(scale, smallest, key=SCALES.index), "setting")


def _with_bounds(entry: dict, spec: dict, scale: str, slug: str) -> dict:
    """Pass rules and gate of a judged claim, each with its quantity, comparison and bound beside the text.

    Raises:
        ValueError: the claim was judged by other rules than those of the paper's file.
    """
    joined = {}
    at = max(scale, entry["smallest_scale"], key=SCALES.index)
    for key in ("pass", "gate"):
        rules, checks = at_scale(spec.get(key, []), at), entry[key]
        if [rule_text(rule) for rule in rules] != [check["rule"] for check in checks]:
            raise ValueError(f"{slug} {entry['id']}: judged by other rules than the paper's file has; run it again")
        joined[key] = [{**check, **rule} for check, rule in zip(checks, rules)]
    return joined


def gather(contents: dict[str, dict], specs: dict[str, dict], runs: Iterable[dict] = ()) -> dict:
    """Join verdicts with the wording of the papers' files, whose prose is filled with the numbers of the run.

    Args:
        contents: content of each paper's `claims.json`, by slug.
        specs: content of each paper's file under `config/papers`, by slug.
        runs: contents of the files of kept runs (`lib.atlas.evidence.runs`), of these papers or of others.

    Returns:
        `scale`, `totals` by verdict, and `papers`: for each its citation, figures, totals and claims.

    Raises:
        ValueError: the papers were judged at different scales, a file and its verdicts name different claims, or
            prose names a quantity that was not measured.
    """
    scales = {content["scale"] for content in contents.values()}
    if len(scales) > 1:
        raise ValueError(f"claims of different scales in one audit: {', '.join(sorted(scales))}")
    papers = []
    for slug in sorted(contents):
        content = contents[slug]
        spec = filled(specs[slug], content["claims"], content["scale"], f"config/papers/{slug}.yaml")
        provenance, own = content["provenance"], kept_runs.record(content)
        kept = {file["scale"]: file["runs"] for file in runs if file["paper"] == slug}
        wording = {entry["id"]: entry for entry in spec["claims"]}
        if list(wording) != [entry["id"] for entry in content["claims"]]:
            raise ValueError(
                f"{slug}: claims.json and the paper's file name different claims; run the claims rule again"
            )
        claims = []
        for entry in content["claims"]:
            words = {key: value for key, value in wording[entry["id"]].items() if key not in _JUDGED}
            if "setting" in words:
                words["setting"] = setting_at(words["setting"], content["scale"], entry["smallest_scale"])
            bounds = _with_bounds(entry, wording[entry["id"]], content["scale"], slug)
            others = beside(entry["id"], own, kept, content["scale"], wording[entry["id"]])
            since = content.get("rules_since", {}).get(entry["id"])
            more = {"sources": sources(entry, provenance)} | ({"since": since} if since else {})
            claims.append({**entry, **bounds, **words, **others, **more})
        keys = ("stage", "code", "commit", "libraries", "machine", "parameters")
        measured_by = {key: provenance[key] for key in keys if key in provenance}
        papers.append(
            {
                "slug": slug,
                **spec["paper"],
                "figures": spec["figures"],
                "totals": totals(claims),
                "claims": claims,
                "measured_by": measured_by,
            }
        )
    everything = [claim for paper in papers for claim in paper["claims"]]
    return {"scale": scales.pop() if scales else "", "totals": totals(everything), "papers": papers}


def totals(claims: list[dict]) -> dict[str, int]:
    """Number of claims by verdict."""
    return {verdict: sum(claim["verdict"] == verdict for claim in claims) for verdict in VERDICTS}


def breakdown(claims: list[dict], key: str) -> dict[str, dict[str, int]]:
    """Number of claims by verdict, for each value that a field takes: `setting`, `known_from`, `central`, `firm`."""
    values = dict.fromkeys(claim.get(key) for claim in claims)
    return {str(value): totals([claim for claim in claims if claim.get(key) == value]) for value in values}


def _turning(number: int) -> str:
    return f"; {number} of these verdicts turn{'s' if number == 1 else ''}" if number else ""


def headline(claims: list[dict]) -> str:
    """One sentence on the central claims: how many reproduced, in what setting, and how many verdicts turn.

    Args:
        claims: of all papers, as `gather` joined them.
    """
    central = [claim for claim in claims if claim.get("central")]
    good = [claim.get("setting") for claim in central if claim["verdict"] == REPRODUCED]
    places = (
        ("as in the paper", "in the paper's own setting"),
        ("reduced", "in a reduced one"),
        ("stand-in", "in a stand-in"),
        ("ours", "as a question of ours"),
    )
    parts = [f"{good.count(setting)} {words}" for setting, words in places if good.count(setting)]
    others = [(verdict, sum(claim["verdict"] == verdict for claim in central)) for verdict in VERDICTS[1:]]
    rest = "; ".join(f"{number} {verdict}" for verdict, number in others if number)
    words = f"Of {len(central)} central claims {len(good)} reproduced" + (f": {', '.join(parts)}" if parts else "")
    turning = sum(map(turns, central))
    return words + (f"; {rest}" if rest else "") + _turning(turning) + "."


def _measured(quantities: dict) -> str:
    return "; ".join(f"{name} = {' | '.join(quantity_text(quantity))}" for name, quantity in quantities.items())


def inert(cell):
    """A cell that no spreadsheet takes for a formula: a quotation mark goes before a text that looks like one."""
    if not isinstance(cell, str) or cell[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return cell
    return cell if re.fullmatch(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", cell) else f"'{cell}"


def rows(audit: dict) -> list[dict]:
    """One row per claim, in the columns `COLUMNS`, safe to open in a spreadsheet."""
    table = []
    for paper in audit["papers"]:
        for claim in paper["claims"]:
            quantities = claim["quantities"].items()
            seeds = {name: quantity["ids"] for name, quantity in quantities if "ids" in quantity}
            errors = {name: quantity["se"] for name, quantity in quantities if "se" in quantity}
            table.append(
                {
                    "paper": paper["slug"],
                    **{key: claim[key] for key in COLUMNS if key in claim},
                    "measured": _measured(claim["quantities"]),
                    "standard_error": "; ".join(f"{name} = {value}" for name, value in errors.items()),
                    "seeds": "; ".join(f"{name} = {value}" for name, value in seeds.items()),
                    "pass_rule": "; ".join(check["rule"] for check in claim["pass"]),
                    "stability": sentence(claim["stability"]) if "stability" in claim else "",
                    "other_scales": "; ".join(
                        f"{scale}: {entry['verdict']}, {_measured(entry['quantities'])}"
                        for scale, entry in claim.get("scales", {}).items()
                    ),
                    "scale": audit["scale"],
                    "rests_on": "; ".join(f"{s['store']} {s.get('digest', '')}" for s in claim["sources"]),
                    "code": "; ".join(
                        dict.fromkeys([paper["measured_by"]["code"], *(s.get("code", "") for s in claim["sources"])])
                    ),
                    "commit": paper["measured_by"]["commit"],
                }
            )
    return [{key: inert(cell) for key, cell in row.items()} for row in table]


def load_specs(files: list[Path]) -> dict[str, dict]:
    """Papers' files by slug."""
    return {file.stem: load_yaml(file) for file in files}
