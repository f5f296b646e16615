"""The document on stability, `docs/stability.md`: which verdicts turn under other root seeds and on other machines."""

from pathlib import Path

from lib.atlas.evidence import runs, spread
from lib.atlas.evidence.audit import load_specs
from lib.atlas.job.claims import REPRODUCED, at_scale, is_tested, rule_text
from lib.atlas.names import KEPT_RUNS, SCALES
from lib.atlas.workflow.fingerprint import function_fingerprints

DOCUMENT = "docs/stability.md"

_HEAD = """# Verdicts under other root seeds and on other machines

Written by `make stability` from the runs that are kept under `{folder}`, not by hand. A root seed is the
one from which every random stream of a run derives; all else stays as it is. A claim counts with those runs that were
judged by its present rule, measured by its present function and made by the same code and parameters; where there are
no two of them, earlier runs are shown, and said to be of an earlier rule or of earlier code.

Numbers are those of the item that decides a rule: the largest below a bound, the smallest above one. *Spread over
stated error* is the standard deviation over the runs divided by the standard error that a single run states; near 1 the
stated error is honest, far above 1 it is too small. Central claims are in bold."""
_INDEX = (
    "| paper | runs | root seeds | processors | claims with several runs | same in all | turn | earlier rule or code "
    "| CPU minutes a run |\n| --- | ---: | --- | ---: | ---: | ---: | --- | --- | ---: |"
)
_CLAIMS = (
    "| claim | verdict | what its rules judge, over the runs | spread over stated error |\n| --- | --- | --- | --- |"
)


def claims_of(spec: dict, functions: dict[str, str], scale: str, kept: list[dict]) -> list[dict]:
    """What kept runs say of each claim that is judged at a scale.

    Args:
        spec: the paper's file.
        functions: fingerprints of its claims' functions as they are now.
        scale: of the runs.
        kept: the runs.

    Returns:
        For each claim its `id`, whether it is `central`, its `rules`, and `stability` (`lib.atlas.evidence.spread`),
        None where no two runs judged it.
    """
    last = next((run for run in reversed(kept) if run["claims"]), {"claims": {}})
    entries = []
    for claim in spec["claims"]:
        if not is_tested(claim, scale):
            continue
        rules = {key: at_scale(claim.get(key, []), scale) for key in ("pass", "gate")}
        reference = {
            "rules": [rule_text(rule) for rule in rules["pass"]],
            "gate": [rule_text(rule) for rule in rules["gate"]],
            "function": functions.get(claim["id"], ""),
            "experiment": last["claims"].get(claim["id"], {}).get("experiment", ""),
        }
        stability = spread.of_runs(claim["id"], reference, kept)
        central = claim.get("central", False)
        entries.append({"id": claim["id"], "central": central, "rules": rules["pass"], "stability": stability})
    return entries


def _between(entry: dict) -> str:
    """The smallest and the largest number of a rule over the runs."""
    if "low" not in entry:
        return ""
    low, high = (f"{entry[key]:.3g}" for key in ("low", "high"))
    return f": {low}" if low == high else f": {low} to {high}"


def _row(entry: dict) -> str:
    """One claim as a row of its paper's table."""
    stability = entry["stability"]
    name = f"**{entry['id']}**" if entry["central"] else entry["id"]
    if stability is None:
        return f"| {name} | in one run only | | |"
    counts = ", ".join(f"{count} {verdict}" for verdict, count in stability["verdicts"].items())
    verdict = (
        f"**turns**: {counts}"
        if stability["turns"]
        else f"{next(iter(stability['verdicts']))} in all {stability['runs']}"
    )
    verdict += "; no root seed enters" if not stability["seeded"] else ""
    verdict += f"; {stability['earlier']}" if stability["earlier"] else ""
    lines, ratios = [], []
    for rule in entry["rules"]:
        values = stability["quantities"].get(rule["quantity"])
        if values is None:
            continue
        one = spread.of_rule(rule, values["values"], values["se"])
        lines.append(f"`{rule_text(rule)}` holds in {one['held']}{_between(one)}")
        ratios.append(f"{one['ratio']:.2g}" if "ratio" in one else "")
    return f"| {name} | {verdict} | {'<br>'.join(lines)} | {'<br>'.join(ratios) if any(ratios) else ''} |"


def _section(slug: str, spec: dict, entries: list[dict], kept: list[dict]) -> str:
    """Runs and claims of one paper."""
    done = [run for run in kept if run["claims"]]
    commits = ", ".join(dict.fromkeys(run["commit"] for run in done))
    processors = "; ".join(dict.fromkeys(run["processor"] for run in done))
    parts = [f"### {slug}", f"{spec['paper']['title']}. Commit {commits}, on {processors}."]
    parts += [f"- Root seed {run['root_seed']}: no verdicts, {run['failed']}" for run in kept if "failed" in run]
    table = "\n".join([_CLAIMS, *map(_row, entries)]) if entries else "No claim is judged at this scale."
    return "\n\n".join([*parts, table])


def _summary(slug: str, entries: list[dict], kept: list[dict]) -> str:
    """One paper as a row of the index."""
    known = [entry for entry in entries if entry["stability"]]
    turning = [entry["id"] for entry in known if entry["stability"]["turns"]]
    earlier = [entry["id"] for entry in known if entry["stability"]["earlier"]]
    seeds = sorted({run["root_seed"] for run in kept if run["root_seed"] is not None})
    cpu = [run["cpu"] for run in kept if "cpu" in run]
    cells = [f"[`{slug}`](#{slug})", len(kept), spread.numbers(seeds) if seeds else "none"]
    cells += [len({run["processor"] for run in kept}), len(known), len(known) - len(turning), ", ".join(turning)]
    cells += [", ".join(earlier), f"{sum(cpu) / len(cpu) / 60:.1f}" if cpu else ""]
    return "| " + " | ".join(map(str, cells)) + " |"


def document(root: Path) -> str:
    """The text of `docs/stability.md`, from the kept runs."""
    parts = [_HEAD.format(folder=KEPT_RUNS)]
    for scale in reversed(SCALES):
        index, sections, counts = [], [], [0, 0]
        for file in sorted((root / KEPT_RUNS / scale).glob("*.json")):
            kept, paper = runs.read(file), root / f"config/papers/{file.stem}.yaml"
            if len(kept) < 2 or not paper.exists():
                continue
            spec = load_specs([paper])[file.stem]
            functions = function_fingerprints(root / f"workflow/scripts/{file.stem}/claims.py", root)
            entries = claims_of(spec, functions, scale, kept)
            turning = [entry["stability"]["turns"] for entry in entries if entry["stability"]]
            counts = [counts[0] + len(turning), counts[1] + sum(turning)]
            index.append(_summary(file.stem, entries, kept))
            sections.append(_section(file.stem, spec, entries, kept))
        if index:
            words = (
                f"Of {counts[0]} claims with several runs {counts[0] - counts[1]} have the same verdict in all of them."
            )
            parts += [f"## {scale.capitalize()} scale", words, "\n".join([_INDEX, *index]), *sections]
    return "\n\n".join(parts) + "\n"


def outcome(slug: str, scale: str, kept: list[dict], root: Path) -> str:
    """One paper in a sentence: which verdicts turn."""
    spec = load_specs([root / f"config/papers/{slug}.yaml"])[slug]
    functions = function_fingerprints(root / f"workflow/scripts/{slug}/claims.py", root)
    known = [entry for entry in claims_of(spec, functions, scale, kept) if entry["stability"]]
    turning = [(entry["id"], entry["stability"]) for entry in known if entry["stability"]["turns"]]
    words = f"{slug}: {len(known) - len(turning)} of {len(known)} claims have the same verdict in all runs"
    each = [f"{name} ({one['verdicts'].get(REPRODUCED, 0)} of {one['runs']} reproduced)" for name, one in turning]
    return words + (f"; turning: {', '.join(each)}" if each else "")
