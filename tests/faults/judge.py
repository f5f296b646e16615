"""Test the judge: plant errors in every paper at smoke scale and count who notices.

Run as `make judge` (or `python -m tests.faults.judge`, with `--papers` for some). Nothing in it is random. It writes
the counts of each paper into `resources/measured/judge.json` as soon as it has them, and in the end the tables of all
into `docs/audit.md`. The exit status is 1 when a promise is broken: a central claim without a counterfactual, a claim
of constants that no test would notice, or a file that was tampered with and passed `make check`.

- Errors in stores are planted as if the stage had computed the values: claims are measured again in this process.
  They are planted in the stores of the smoke run, where each claim is judged by the rules of the smallest scale that
  judges it, and in the stores that the papers' tests make by hand, on which each claim is reproduced.
- Files are tampered with in a copy of the results, and `lib.atlas.evidence.check` is asked.
"""

import argparse
import copy
import functools
import inspect
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.check import check
from lib.atlas.job import claims, store
from lib.atlas.job.seeds import generator
from lib.atlas.job.stage import open_inputs
from lib.atlas.provenance import git_commit, plain
from tests.conftest import ROOT, finished
from tests.faults import errors
from tests.papers import contract, judged
from tests.papers.contract import Paper

KEPT = ROOT / "resources/measured/judge.json"
DOCUMENT = ROOT / "docs/audit.md"
BEGIN, END = "<!-- judge: written by `make judge` -->", "<!-- end of judge -->"
# what an error does to the claims that read it, from the loudest; the first four are noticed
STOPS, VERDICT, RULE, FIRMNESS = "the run stops", "a verdict turns", "a rule turns", "firmness changes"
NUMBERS, SILENT, UNREAD = "numbers move, no rule", "nothing moves", "no claim reads it"
OUTCOMES = (STOPS, VERDICT, RULE, FIRMNESS, NUMBERS, SILENT, UNREAD)
NOTICED = OUTCOMES[:4]
UNITS = {"seed", "teacher", "clip", "draw", "run", "repetition", "data_set"}


@dataclass(frozen=True)
class Case:
    """A claim with what it is measured on: its function, its entry of the paper's file with the rules to judge by."""

    slug: str
    claim: str
    function: Callable
    rule: dict
    inputs: dict
    parameters: dict
    root_seed: int

    @property
    def takes(self) -> set[str]:
        """Names of the function's arguments."""
        return set(inspect.signature(self.function).parameters)

    def judge(self, inputs: dict) -> dict | None:
        """The entry of `claims.json` on other inputs; None where they have nothing to measure.

        Raises:
            ValueError: the claim fails on these inputs; a run would stop and name it.
        """
        provided = {
            "rng": lambda: generator(self.root_seed, self.slug, "measure_claims", {}),
            "root_seed": lambda: self.root_seed,
        }
        own = {name: value for name, value in inputs.items() if name in self.takes}
        parameters = {name: value for name, value in self.parameters.items() if name in self.takes}
        rules = {**self.rule, "scale": "paper"}  # nothing has to be there; what is there is measured
        measurements = claims.measure({self.claim: self.function}, [rules], "smoke", own, parameters, provided)
        if self.claim not in measurements:
            return None
        quantities = measurements[self.claim]["quantities"]
        present = {key: [one for one in self.rule[key] if one["quantity"] in quantities] for key in ("pass", "gate")}
        if not present["pass"]:
            return None
        (entry,) = claims.judge([{**self.rule, **present}], measurements, self.rule["scale"])
        return plain(entry)


def after(case: Case, inputs: dict) -> dict | str | None:
    """As `Case.judge`; `STOPS` where the claim fails."""
    try:
        return case.judge(inputs)
    except ValueError:
        return STOPS


def before(case: Case) -> dict | None:
    """The entry without any error; None where there is nothing to measure, or the claim cannot be."""
    entry = after(case, case.inputs)
    return None if entry == STOPS else entry


def outcome(before: dict, after: dict | str | None) -> str:
    """What an error does to a claim: its entries without and with it."""
    if after == STOPS:
        return STOPS
    if after is None or after["verdict"] != before["verdict"]:
        return VERDICT
    for what, key in ((RULE, "holds"), (FIRMNESS, "firm")):
        sides = [[check[key] for kind in ("gate", "pass") for check in one[kind]] for one in (before, after)]
        if sides[0] != sides[1]:
            return what
    # as text, because not a number differs from itself
    return SILENT if json.dumps(before["quantities"]) == json.dumps(after["quantities"]) else NUMBERS


def _finite(entry: dict) -> bool:
    values = [np.ravel(quantity["value"]).astype(float) for quantity in entry["quantities"].values()]
    return all(np.isfinite(one).all() for one in values)


def _flat(entry: dict) -> dict:
    """A claim of a paper's file with the rules of the smallest scale that judges it."""
    return {
        "id": entry["id"],
        "scale": entry["scale"],
        **{key: claims.at_scale(entry.get(key, []), entry["scale"]) for key in ("pass", "gate")},
    }


def _units(entries: list[dict]) -> set[str]:
    """Names of dimensions of independent units: the usual ones, and those that the claims name."""
    texts = [quantity.get("units", "") for entry in entries for quantity in entry["quantities"].values()]
    return UNITS | {word.removesuffix("s") for text in texts for word in text.replace(",", " ").split()}


def cases_at_smoke(paper: Paper, results: Path) -> list[Case]:
    """A paper's claims on the stores of the smoke run."""
    rule = paper.rules["measure_claims"]
    inputs = open_inputs(plans.input_paths(rule, results))
    functions = claims.functions(vars(paper.module("measure_claims")))
    return [
        Case(paper.slug, entry["id"], functions[entry["id"]], _flat(entry), inputs, rule["parameters"],
             rule.get("root_seed", 0))
        for entry in paper.spec["claims"]
    ]  # fmt: skip


def cases_by_hand(paper: Paper, notes: list[judged.Judged]) -> list[Case]:
    """A paper's claims, each on the first stores of its tests on which it is reproduced."""
    functions = claims.functions(vars(paper.module("measure_claims")))
    entries = {entry["id"]: entry for entry in paper.spec["claims"]}
    cases = {}
    for note in notes:
        if note.slug == paper.slug and note.outcome == judged.REPRODUCES and note.claim not in cases:
            cases[note.claim] = Case(
                paper.slug, note.claim, functions[note.claim], _flat(entries[note.claim]), note.inputs, {}, 0
            )
    return list(cases.values())


def plant(cases: list[Case]) -> Iterator[tuple[errors.Error, str, list[str]]]:
    """Every error in the stores of some claims with the same inputs: what it does to the one that notices most.

    Yields:
        The error, the loudest outcome, and the claims that stay reproduced on other, finite numbers.
    """
    entries = {case.claim: before(case) for case in cases}
    untouched = {claim: entry for claim, entry in entries.items() if entry is not None}

    swallowed: dict[tuple[str, str, str], list[str]] = {}

    def look(error: errors.Error) -> dict[str, str]:
        """What an error does to each claim that takes its store."""
        inputs = {**cases[0].inputs, error.store: error.value()}
        outcomes = {}
        for case in cases:
            if case.claim in untouched and error.store in case.takes:
                entry, old = after(case, inputs), untouched[case.claim]
                what = outcomes[case.claim] = outcome(old, entry)
                if what == NUMBERS and old["verdict"] == claims.REPRODUCED and _finite(old) and _finite(entry):
                    swallowed.setdefault((error.kind, error.store, error.place), []).append(case.claim)
        return outcomes

    planted = [(error, look(error)) for error in errors.planted(cases[0].inputs, _units(list(untouched.values())))]
    probes = [(error, look(error)) for error in errors.probes(cases[0].inputs)]
    # of variables along whose values nothing moves when all of them lose their meaning
    unread = {
        (error.store, *error.lies_in)
        for error, outcomes in [*planted, *probes]
        if error.kind in errors.PROBES and set(outcomes.values()) <= {SILENT}
    }
    for error, outcomes in planted:
        loudest = min(outcomes.values(), key=OUTCOMES.index, default=SILENT)
        if loudest == SILENT and all((error.store, name) in unread for name in error.lies_in):
            loudest = UNREAD
        yield error, loudest, swallowed.get((error.kind, error.store, error.place), [])


def tables_of_plants(groups: list[list[Case]]) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Counts by kind and outcome, and the claims that make finite numbers of a variable that is not a number."""
    counts: dict[str, Counter] = {}
    swallowed = []
    for cases in groups:
        for error, what, reproduced in plant(cases):
            counts.setdefault(error.kind, Counter())[what] += 1
            if error.kind == errors.NOT_A_NUMBER:
                swallowed += [f"{cases[0].slug} {name}: {error.store}.{error.place}" for name in reproduced]
    return {kind: {what: row[what] for what in OUTCOMES if row[what]} for kind, row in counts.items()}, swallowed


def _expectations(notes: list[judged.Judged], slug: str, claim: str) -> list[judged.Judged]:
    """How tests judged a claim on stores that hold what it rests on."""
    untested = claims.NOT_TESTED
    return [note for note in notes if (note.slug, note.claim) == (slug, claim) and note.entry["verdict"] != untested]


def constants(cases: list[Case], notes: list[judged.Judged]) -> dict[str, int]:
    """Claims whose function returns what it returned on the stores made by hand, whatever the stores: who notices?

    The papers' tests do where they expect both a claim that is reproduced and one that is not.
    """
    counts: Counter = Counter()
    for case in cases:
        expected = {note.outcome for note in _expectations(notes, case.slug, case.claim)}
        noticed = judged.REPRODUCES in expected and len(expected) > 1
        counts["the paper's tests" if noticed else SILENT] += 1
    return dict(counts)


def constants_at_smoke(cases: list[Case]) -> dict[str, int]:
    """The same of what claims return on the stores of the smoke run: does the contract's test on stores of NaN notice?

    It does where the constants pass; a claim of constants that fail is not reproduced.
    """
    counts: Counter = Counter()
    for case in cases:
        entry = before(case)
        if entry is None:
            continue
        inputs = {name: value for name, value in case.inputs.items() if name in case.takes}
        parameters = {name: value for name, value in case.parameters.items() if name in case.takes}
        returned = entry["quantities"]

        @functools.wraps(case.function)
        def constant(*_, returned=returned, **__):
            return returned

        nothing = contract.passes_on_nothing(constant, case.rule, inputs, parameters)
        counts["the contract's test" if nothing else SILENT] += 1
    return dict(counts)


def _wrong(bound):
    """A bound typed wrong: ten times as large, one in the place of zero, the other truth."""
    if isinstance(bound, list):
        return [_wrong(one) for one in bound]
    if isinstance(bound, bool):
        return not bound
    return 10 * bound if bound else 1


def bounds(cases: list[Case], notes: list[judged.Judged]) -> dict[str, int]:
    """Bounds of pass rules typed wrong: do the papers' tests, with their stores made by hand, come out otherwise?"""
    counts: Counter = Counter()
    for case in cases:
        for key in ("pass", "gate"):
            for number, rule in enumerate(case.rule[key]):
                wrong = copy.deepcopy(case.rule)
                (name,) = set(rule) - {"quantity"}
                wrong[key][number][name] = _wrong(rule[name])
                turned = False
                for note in _expectations(notes, case.slug, case.claim):
                    measurement = {case.claim: {key: note.entry[key] for key in ("rests_on", "quantities")}}
                    (entry,) = claims.judge([wrong], measurement, wrong["scale"])
                    turned |= entry["verdict"] != note.entry["verdict"]
                counts["the paper's tests" if turned else SILENT] += 1
    return dict(counts)


def _with_old_digest(path: Path, before: str, after: str) -> None:
    """Put the digest that a store had back into one whose values were changed."""
    with zipfile.ZipFile(path) as file:
        members = {member.filename: file.read(member) for member in file.infolist()}
    members["zarr.json"] = members["zarr.json"].replace(after.encode(), before.encode())
    with zipfile.ZipFile(path, "w") as file:
        for name, contents in members.items():
            file.writestr(name, contents)


def _scaled(path: Path) -> tuple[str, str]:
    """Change the first numbers of a store and write it with a digest of its own; the digests before and after."""
    dataset = store.read(path)
    record = dataset.attrs.pop("provenance")
    name = min(name for name, values in dataset.items() if values.dtype.kind in "fiub" and values.size)
    values = dataset[name].values
    dataset[name] = dataset[name].copy(data=~values if values.dtype.kind == "b" else values + values.dtype.type(1))
    return record["digest"], store.write(dataset, path, record)


def _edited(path: Path, change: Callable[[dict], None]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _first_number(content: dict) -> dict:
    """The first measured quantity of a paper's claims."""
    return next(quantity for claim in content["claims"] for quantity in claim["quantities"].values())


def _move(content: dict) -> None:
    quantity = _first_number(content)
    value = quantity["value"]
    quantity["value"] = [item + 1 for item in value] if isinstance(value, list) else value + 1


def _turn(content: dict) -> None:
    claim = content["claims"][0]
    claim["verdict"] = claims.NOT_REPRODUCED if claim["verdict"] == claims.REPRODUCED else claims.REPRODUCED


def tampering(slug: str, plan: dict, folder: Path) -> dict[str, list[int]]:
    """Tamper with a paper's files, one after the other, in a copy of the results: planted and noticed by `check`.

    Args:
        slug: name of the paper.
        plan: of the working tree.
        folder: copy that the plan's paths are relative to; it is left as it was.
    """
    own = {**plan, "papers": {slug: plan["papers"][slug]}}
    counts: dict[str, list[int]] = {}
    if findings := check(own, folder, ROOT)[0]:
        raise RuntimeError(f"nothing was planted yet, and the check finds {findings[0]}")

    def ask(kind: str, path: Path, damage: Callable, plan: dict = own, again: bool = False) -> None:
        whole = path.read_bytes()
        try:
            damage(path)
            findings, _ = check(plan, folder, ROOT, again)
        finally:
            path.write_bytes(whole)
        row = counts.setdefault(kind, [0, 0])
        row[0] += 1
        row[1] += bool(findings)

    def in_place(path: Path) -> None:
        _with_old_digest(path, *_scaled(path))

    home = folder / plan["papers"][slug]["folder"]
    stores = [folder / path for path in plans.files(plan, slug) if path.endswith(store.SUFFIX)]
    for path in stores:
        ask("a store's values changed, its digest left", path, in_place)
        ask("a store written anew with a digest of its own", path, _scaled)
    for path in (folder / name for name in plan["papers"][slug]["figures"]):
        ask("a figure or table edited", path, lambda path: path.write_bytes(path.read_bytes().replace(b"1", b"2")))
    ask("a number of a claim edited", home / "claims.json", lambda path: _edited(path, _move), again=True)
    ask("a verdict turned", home / "claims.json", lambda path: _edited(path, _turn))
    for number, rule in enumerate(plan["rules"][f"{slug}_measure_claims"]["pass_rules"]):
        wrong = copy.deepcopy(own)
        one = claims.at_scale(wrong["rules"][f"{slug}_measure_claims"]["pass_rules"][number]["pass"], rule["scale"])[0]
        (name,) = set(one) - {"quantity"}
        one[name] = _wrong(one[name])
        ask("a bound of a pass rule typed wrong afterwards", home / "claims.json", lambda path: None, wrong)
    page = home.parent / f"audit/{slug}.html"
    ask("an edited page of the audit", page, lambda path: path.write_bytes(path.read_bytes().replace(b"0.", b"1.")))
    numbers = [entry for entry in _paper_numbers(folder / f"config/papers/{slug}.yaml")]
    for old, new in numbers:
        ask("a number of the paper typed wrong afterwards", folder / f"config/papers/{slug}.yaml",
            lambda path, old=old, new=new: path.write_text(path.read_text().replace(old, new)))  # fmt: skip
    return counts


def _paper_numbers(file: Path) -> list[tuple[str, str]]:
    """Lines of a paper's file with `paper_number`, as they stand and with a digit typed wrong."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "paper_number: {" in line]
    return [(line, line[::-1].replace("}", "}9", 1)[::-1]) for line in dict.fromkeys(lines)]


def measure(results: Path, notes: list[judged.Judged], slugs: list[str]) -> Iterator[tuple[str, dict, dict]]:
    """Counts of one paper after the other.

    Args:
        results: of the smoke run.
        notes: what the papers' tests judged.
        slugs: of the papers.

    Yields:
        Slug, its counts, and for each of its central claims how often the papers' tests judge it in which way.
    """
    plan, judgements = plans.read(ROOT, "smoke", "results"), judged.counts(notes)
    with tempfile.TemporaryDirectory(prefix="atlas-judge-") as name:
        folder = Path(name)
        shutil.copytree(results, folder / "results/smoke", ignore=shutil.ignore_patterns("report.*"))
        for part in ("config", "resources", "workflow"):
            shutil.copytree(ROOT / part, folder / part)
        for slug in slugs:
            started = time.process_time()
            paper = Paper(slug, ROOT, plan)
            at_smoke, by_hand = cases_at_smoke(paper, folder), cases_by_hand(paper, notes)
            smoke, one = tables_of_plants([at_smoke])
            hand, two = tables_of_plants([[case] for case in by_hand])
            counts = {
                "commit": _commit(),
                "stores of the smoke run": smoke,
                "stores made by hand": hand,
                "a function of constants": constants(by_hand, notes),
                "a function of the smoke run's constants": constants_at_smoke(at_smoke),
                "a bound of a pass rule typed wrong": bounds(by_hand, notes),
                "tampering": tampering(slug, plan, folder),
                "not a number made a number": sorted({*one, *two}),
            }
            central = [entry["id"] for entry in paper.spec["claims"] if entry.get("central")]
            print(f"{slug}: {time.process_time() - started:.0f} CPU s", flush=True)
            yield slug, counts, {claim: judgements.get(slug, {}).get(claim, {}) for claim in central}


def _commit() -> str:
    """The commit, with `+changes` when tracked files other than those that are written here differ from it."""
    outputs = [f":!{file.relative_to(ROOT)}" for file in (KEPT, DOCUMENT)]
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "-uno", "--", ".", *outputs]
    changes = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return git_commit(ROOT).removesuffix("+changes") + ("+changes" if changes else "")


def broken(kept: dict) -> list[str]:
    """Promises that the counts break, a line each."""
    lines = [
        f"{slug} {claim}: central, and no store made by hand on which it is {word}"
        for slug, rows in kept["central"].items()
        for claim, row in rows.items()
        for word in (judged.REPRODUCES, judged.COUNTERFACTUAL)
        if not row.get(word)
    ]
    for slug, paper in kept["papers"].items():
        if number := paper["a function of constants"].get(SILENT):
            lines.append(f"{slug}: {number} claims of constants that no test would notice")
        lines += [
            f"{slug}: {kind}: {count - noticed} of {count} not noticed"
            for kind, (count, noticed) in paper["tampering"].items()
            if noticed < count
        ]
    return lines


def _plants(kept: dict, where: str) -> list[str]:
    total: dict[str, Counter] = {}
    for paper in kept["papers"].values():
        for kind, row in paper[where].items():
            total.setdefault(kind, Counter()).update(row)
    read = [what for what in OUTCOMES if what != UNREAD]
    lines = [
        f"| {where}: error | planted | read by a claim | noticed | {' | '.join(read)} |",
        "| --- |" + " ---: |" * (3 + len(read)),
    ]
    everything: Counter = Counter()
    for row in total.values():
        everything.update(row)
    for kind, row in [*sorted(total.items()), ("**all**", everything)]:
        planted, noticed = sum(row.values()), sum(row[what] for what in NOTICED)
        cells = " | ".join(str(row[what]) for what in read)
        lines.append(f"| {kind} | {planted} | {planted - row[UNREAD]} | {noticed} | {cells} |")
    return lines


def document(kept: dict) -> str:
    """The counts as they stand in `docs/audit.md`."""
    files: dict[str, list[int]] = {}
    for paper in kept["papers"].values():
        for kind, (count, noticed) in paper["tampering"].items():
            row = files.setdefault(kind, [0, 0])
            row[0], row[1] = row[0] + count, row[1] + noticed
    by_tests = {
        kind: [
            sum(sum(paper[kind].values()) for paper in kept["papers"].values()),
            sum(paper[kind].get("the paper's tests", 0) for paper in kept["papers"].values()),
        ]
        for kind in ("a function of constants", "a bound of a pass rule typed wrong")
    }
    at_smoke = [paper["a function of the smoke run's constants"] for paper in kept["papers"].values()]
    judged_there = sum(sum(row.values()) for row in at_smoke)
    by_contract = sum(row.get("the contract's test", 0) for row in at_smoke)
    central = [row for rows in kept["central"].values() for row in rows.values()]
    holding = sum(bool(row.get(judged.REPRODUCES) and row.get(judged.COUNTERFACTUAL)) for row in central)
    swallowed = [line for paper in kept["papers"].values() for line in paper["not a number made a number"]]
    named = f" ({'; '.join(swallowed)})" if swallowed else ""
    lines = [
        f"{len(kept['papers'])} papers ({', '.join(kept['papers'])});",
        f"{holding} of {len(central)} central claims have stores",
        "made by hand on which they are reproduced, and others, full of numbers, on which they are not.",
        "",
        *_plants(kept, "stores of the smoke run"),
        "",
        *_plants(kept, "stores made by hand"),
        "",
        "| tampered with afterwards, or written wrong | by whom | planted | noticed |",
        "| --- | --- | ---: | ---: |",
        *(f"| {kind} | `make check` | {count} | {noticed} |" for kind, (count, noticed) in files.items()),
        *(f"| {kind} | the paper's tests | {count} | {noticed} |" for kind, (count, noticed) in by_tests.items()),
        f"| a function of the smoke run's constants | the contract's test | {judged_there} | {by_contract} |",
        "",
        "Claims that make finite numbers, other ones, of a variable in which every value is not a number, and stay",
        f"reproduced: {len(swallowed)}{named}.",
    ]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the counts into the document."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Plant, count and write; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.judge", description=__doc__.splitlines()[0])
    parser.add_argument("--papers", nargs="*", help="only these; the counts of the others stay")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    results = finished()
    if results is None:
        print("linear atlas: make smoke first; the results of the smoke run are not up to date", file=sys.stderr)
        return 1
    notes = judged.collect()
    slugs = sorted(file.stem for file in (ROOT / "config/papers").glob("*.yaml"))
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    kept = {key: {slug: row for slug, row in kept[key].items() if slug in slugs} for key in ("papers", "central")}
    for slug, counts, central in measure(results, notes, options.papers or slugs):
        kept["papers"][slug], kept["central"][slug] = counts, central
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))  # in the order in which it is kept
    text = document(kept)
    print(text)
    write(text)
    lines = broken(kept)
    print("\n".join(lines) or "no promise is broken")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
