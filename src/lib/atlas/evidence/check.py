"""Check every audited number against the stores, parameters and code that it rests on.

Run as `python -m lib.atlas check results/laptop`. It walks from every claim, figure and table to its stores and on to
theirs, recomputes every digest, and compares parameters at this scale and fingerprints of the code with the working
tree. Then it measures every claim again from the stores and judges it again. Snakemake and its records are not asked.
The exit status is 1 when a number is stale, missing, damaged or not what its stores say; each is named.
"""

import json
import math
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from lib.atlas.evidence import plan as plans
from lib.atlas.evidence import stamp
from lib.atlas.evidence.state import DAMAGED, DONE, FAILED, MISSING, STALE, State, body, states
from lib.atlas.job import claims
from lib.atlas.job.seeds import generator
from lib.atlas.job.stage import contents, open_inputs
from lib.atlas.names import ROOT, listed
from lib.atlas.provenance import plain
from lib.atlas.workflow.config import load_yaml
from lib.atlas.workflow.patterns import fill

UNEQUAL = "unequal"


@dataclass(frozen=True)
class Finding:
    """One thing that cannot be trusted: `kind`, `paper`, `what` (a claim, figure or table) and why."""

    kind: str
    paper: str
    what: str
    why: str


def _beneath(files: dict[str, State], paths: list[str]) -> list[str]:
    """Paths, and everything that they rest on."""
    order: dict[str, None] = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path not in order and path in files:
            order[path] = None
            waiting += [one for several in files[path].inputs.values() for one in several]
    return list(order)


def _worst(kinds: list[str]) -> str:
    return next(kind for kind in (DAMAGED, MISSING, FAILED, STALE) if kind in kinds)


def _why(files: dict[str, State], paths: list[str], home: str) -> list[tuple[str, str]]:
    """Kind and reason of everything beneath some paths that is not done; consequences of another are left out."""
    return [
        (files[path].kind, f"{path.removeprefix(home + '/')}: {reason}")
        for path in paths
        for reason in files[path].reasons
        if not reason.endswith(tuple(f"which is {kind}" for kind in (STALE, DAMAGED, MISSING, FAILED)))
    ]


def measure(slug: str, rule: dict, scale: str, folder: Path, root: Path) -> dict:
    """Measure a paper's claims again from its stores.

    Args:
        slug: name of the paper.
        rule: its claims rule in the plan.
        scale: of the run.
        folder: what the rule's paths are relative to.
        root: the project's root folder.

    Returns:
        What `lib.atlas.job.claims.measure` returns.
    """
    module, paths = plans.module(root / f"workflow/scripts/{rule['script']}.py"), plans.input_paths(rule, folder)
    provided = {
        "rng": lambda: generator(rule["root_seed"], slug, "measure_claims", {}),  # the stream of the rule itself
        "root_seed": lambda: rule["root_seed"],
    }
    functions, needs = claims.functions(vars(module)), rule.get("needs", {})
    with threadpool_limits(1):  # as the rule itself: sums of several threads may end in other digits
        return claims.measure(
            functions, rule["pass_rules"], scale, open_inputs(paths), rule["parameters"], provided, needs
        )


def _equal(a, b) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return a == b


def _claims_of(slug: str, plan: dict, files: dict[str, State], folder: Path, root: Path, again: bool) -> list[Finding]:
    """Findings about a paper's claims."""
    paper = plan["papers"][slug]
    path, home = paper["claims"], paper["folder"]
    ids = [entry["id"] for entry in load_yaml(root / f"config/papers/{slug}.yaml")["claims"]]
    state = files[path]
    if state.kind in (MISSING, FAILED, DAMAGED):
        return [Finding(state.kind, slug, name, f"claims.json: {state.reasons[0]}") for name in ids]
    content = json.loads((folder / path).read_text(encoding="utf-8"))
    name, _ = plans.maker(plan, path)
    rule = plan["rules"][name]
    own = [(STALE, f"claims.json: {reason}") for reason in state.reasons if "rests on" not in reason]
    if content["scale"] != plan["scale"]:
        own.append((STALE, f"claims.json: made at scale {content['scale']}, asked about {plan['scale']}"))
    entries = {entry["id"]: entry for entry in content["claims"]}
    own += [(STALE, f"claim {name} is in claims.json only") for name in entries if name not in ids]
    findings = []
    for name in ids:
        if name not in entries:
            findings.append(Finding(MISSING, slug, name, "claims.json has no such claim"))
            continue
        rests_on = [one for key in entries[name]["rests_on"] for one in state.inputs.get(key, [])]
        why = own + _why(files, _beneath(files, rests_on), home)
        why += [
            (STALE, f"claims.json: {reason}")
            for reason in state.reasons
            if reason.startswith("rests on") and any(f" {one.removeprefix(home + '/')} " in reason for one in rests_on)
        ]
        if why:
            findings.append(
                Finding(_worst([kind for kind, _ in why]), slug, name, "; ".join(dict.fromkeys(w for _, w in why)))
            )
    keys = ("rests_on", "quantities", "needs")
    quantities = {
        name: {key: entry[key] for key in keys if key in entry}
        for name, entry in entries.items()
        if entry["quantities"] or "needs" in entry
    }
    rejudged = [] if findings else claims.judge(rule["pass_rules"], quantities, plan["scale"])
    for entry in rejudged:
        recorded = {key: value for key, value in entries[entry["id"]].items() if key not in ("timing", "function")}
        if not _equal(plain(entry), recorded):
            findings.append(
                Finding(UNEQUAL, slug, entry["id"], "the verdict does not follow from its numbers and pass rule")
            )
        if entries[entry["id"]].get("function") != rule["claim_functions"].get(entry["id"]):
            findings.append(Finding(UNEQUAL, slug, entry["id"], "its function is not the one of claims.py"))
    if again and not findings:
        measured = plain(measure(slug, rule, plan["scale"], folder, root))
        for name, entry in quantities.items():
            if not _equal(measured.get(name), entry):
                findings.append(Finding(UNEQUAL, slug, name, "measured again from its stores, the numbers differ"))
    return findings


def _newer(path: Path, inputs: dict[str, str | list[str]]) -> str | None:
    """The name of an input that was written after a file, such as runs that were kept since."""
    files = [Path(one) for entry in inputs.values() for one in listed(entry)]
    return next((file.name for file in files if file.stat().st_mtime_ns > path.stat().st_mtime_ns), None)


def _audit(plan: dict, folder: Path, root: Path) -> list[Finding]:
    """Findings about the audit: its files are made again from their inputs, and must be the same byte for byte.

    Where the joined claims differ, the table and the pages that rest on them are not made.
    """
    jobs = [("audit_gather", ""), *(("audit_paper", slug) for slug in plan["papers"])]
    jobs += [(name, "") for name in ("audit_table", "audit_index", "audit_search", "audit_gallery")]
    findings: list[Finding] = []
    for name, slug in jobs:
        if findings and findings[0].what == "claims.json":
            break
        rule = plan["rules"][name]
        (output,) = (fill(path, {"slug": slug}) for path in rule["outputs"].values())
        inputs = plans.input_paths(rule, folder, {"slug": slug})
        if slug:  # which figures and kept runs a paper's page shows follows from the paper
            inputs |= {key: [str(folder / path) for path in plan["papers"][slug][key]] for key in rule["open_inputs"]}
        script = plans.script(plan, name, root)
        try:
            before = (folder / output).read_bytes()
            notes = {"notes": stamp.read(folder / output)} if name == "audit_index" else {}
            result = getattr(plans.module(script), script.stem)(**open_inputs(inputs), **notes)
            now = contents(result, Path(output), {"inputs": {}})
        except (OSError, ValueError) as error:
            findings.append(Finding(MISSING, "audit", Path(output).name, f"not readable: {error}"))
            continue
        if body(before, output) != body(now, output):
            newer = _newer(folder / output, inputs)
            words = f"older than {newer}, on which it rests" if newer else "made again from its inputs, it differs"
            findings.append(Finding(STALE if newer else UNEQUAL, "audit", Path(output).name, words))
    return findings


def check(plan: dict, folder: Path, root: Path, again: bool = True) -> tuple[list[Finding], dict[str, int]]:
    """Check every number of a run.

    Args:
        plan: of the working tree (`lib.atlas.evidence.plan.read`).
        folder: what the plan's paths are relative to.
        root: the project's root folder.
        again: measure the claims again from their stores.

    Returns:
        The findings, and how many claims, figures and tables, and files were looked at.
    """
    findings, counts = [], {"claims": 0, "figures and tables": 0, "files": 0}
    for slug, paper in plan["papers"].items():
        files = states(plan, [*paper["figures"], paper["claims"]], folder, deep=True)
        of_claims = _claims_of(slug, plan, files, folder, root, again)
        findings += of_claims
        for path in paper["figures"]:
            if files[path].kind != DONE:
                why = dict.fromkeys(reason for _, reason in _why(files, _beneath(files, [path]), paper["folder"]))
                findings.append(Finding(files[path].kind, slug, Path(path).name, "; ".join(why)))
        counts["claims"] += len(load_yaml(root / f"config/papers/{slug}.yaml")["claims"])
        counts["figures and tables"] += len(paper["figures"])
        counts["files"] += len(files)
    if not findings:
        findings += _audit(plan, folder, root)
    return findings, counts


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas check`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--once", action="store_true", help="do not measure the claims again from their stores")
    parser.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="what the run was configured with")


def main(options: Namespace) -> int:
    """Print what cannot be trusted; return the exit status."""
    plan, folder = plans.of_results(options.results, ROOT, options.config)
    findings, counts = check(plan, folder, ROOT, not options.once)
    for finding in findings:
        print(f"{finding.kind:8} {finding.paper} {finding.what}: {finding.why}")
    totals = ", ".join(f"{number} {what}" for what, number in counts.items())
    bad = {kind: sum(f.kind == kind for f in findings) for kind in dict.fromkeys(f.kind for f in findings)}
    ended = ", ".join(f"{number} {kind}" for kind, number in bad.items()) or "all as the working tree would make them"
    print(f"{totals}: {ended}")
    stamp.note(options.results, "check", not findings, f"{totals}: {ended}")
    return 1 if findings else 0
