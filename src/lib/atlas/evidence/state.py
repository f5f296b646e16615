"""The state of every file of a run: done, missing, failed, damaged, or stale against the working tree, and why.

What a file says of itself (its digest, and the parameters, code and inputs that it was made from) is compared with
what the rules would make now and against the inputs as they lie there. Snakemake's own records are not read.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from lib.atlas.evidence.plan import fill, maker
from lib.atlas.job import figure, store

DONE, STALE, MISSING, FAILED, DAMAGED = "done", "stale", "missing", "failed", "damaged"
STATES = (DONE, STALE, MISSING, FAILED, DAMAGED)


@dataclass
class State:
    """State of one file, with one line for each reason, its provenance and the files it rests on."""

    kind: str
    reasons: list[str] = field(default_factory=list)
    record: dict = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)


def read_record(path: Path, deep: bool) -> dict:
    """What a file says it was made from.

    Args:
        path: a store, figure, table or `claims.json`.
        deep: recompute the digest of the contents; otherwise only the record is read.

    Raises:
        ValueError: the file is damaged, or says nothing.
    """
    if path.name.endswith(store.SUFFIX):
        return store.read(path).attrs["provenance"] if deep else store.provenance(path)
    if path.suffix == ".svg":
        return figure.description(path, check=deep)
    contents = path.read_bytes()
    try:
        if path.suffix == ".csv":
            head, _, body = contents.partition(b"\n")
            record = json.loads(head.removeprefix(b"# "))
            if "digest" in record and record["digest"] != hashlib.sha256(body).hexdigest()[:16]:
                raise ValueError(f"{path}: damaged: the table does not match its digest")
            return record
        return json.loads(contents)["provenance"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged: no record of what it was made from ({type(error).__name__})") from None


def _entries(entry) -> list[dict]:
    return entry if isinstance(entry, list) else [entry]


def _short(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def differences(record: dict, rule: dict, name: str) -> list[str]:
    """Why a file is not what a rule would make now: code, parameters, seed, names of inputs."""
    reasons = []
    if record.get("code") != rule["code"]:
        reasons.append(f"code of {name} changed ({record.get('code')} then, {rule['code']} now)")
    before, now = record.get("parameters", {}), rule["parameters"]
    for key in sorted((set(before) | set(now)) - set(rule["open_parameters"])):
        if key not in now:
            reasons.append(f"parameter {key} is no longer read")
        elif key not in before:
            reasons.append(f"parameter {key} is new")
        elif before[key] != now[key]:
            reasons.append(f"parameter {key}: made with {_short(before[key])}, now {_short(now[key])}")
    if "root_seed" in record and "root_seed" in rule and record["root_seed"] != rule["root_seed"]:
        reasons.append(f"root_seed: made with {record['root_seed']}, now {rule['root_seed']}")
    return reasons


def _failed(plan: dict, name: str, wildcards: dict, folder: Path) -> bool:
    for pattern in plan["rules"][name]["log"]:
        log = folder / fill(pattern, wildcards)
        if log.exists() and b"\nTraceback (most recent call last)" in b"\n" + log.read_bytes():
            return True
    return False


def states(plan: dict, paths: list[str], folder: Path, deep: bool) -> dict[str, State]:
    """The state of files and of everything that they rest on.

    Args:
        plan: `lib.atlas.evidence.plan.read`.
        paths: as the plan writes them.
        folder: what those paths are relative to.
        deep: recompute every digest.

    Returns:
        A state for each path; what rests on a file that is not done is stale.
    """
    files: dict[str, State] = {}

    def visit(path: str) -> State:
        if path not in files:
            files[path] = State(STALE, ["it rests on itself"])
            files[path] = look(path)
        return files[path]

    def look(path: str) -> State:
        name, wildcards = maker(plan, path)
        file = folder / path
        if not file.exists():
            if name and _failed(plan, name, wildcards, folder):
                return State(FAILED, [f"{name} failed: see its log"])
            return State(MISSING, ["no such file"])
        try:
            record = read_record(file, deep)
        except ValueError as error:
            return State(DAMAGED, [str(error).replace(str(file), file.name).partition("; delete")[0]])
        if name is None:
            return State(STALE, ["no rule makes it any more"], record)
        rule = plan["rules"][name]
        reasons = differences(record, rule, name)
        home = next((p["folder"] for p in plan["papers"].values() if path.startswith(p["folder"] + "/")), "")
        inputs: dict[str, list[str]] = {}
        now = {
            key: [fill(one, wildcards) for one in ([entry] if isinstance(entry, str) else entry)]
            for key, entry in rule["inputs"].items()
        }
        before = {key: _entries(entry) for key, entry in record.get("inputs", {}).items()}
        for key in sorted(set(now) - set(before)):
            reasons.append(f"input {key} is new")
        for key, entries in before.items():
            made_by_us = [entry for entry in entries if "digest" in entry]
            paths = [f"{home}/{entry['store']}" for entry in made_by_us]
            if made_by_us and paths != now.get(key, []):
                reasons.append(f"input {key}: made from {len(paths)} file(s) that are not those of the rule")
            inputs[key] = paths
            for entry, one in zip(made_by_us, paths):
                state = visit(one)
                if state.kind != DONE:
                    reasons.append(f"rests on {entry['store']}, which is {state.kind}")
                if state.record and state.record.get("digest") != entry["digest"]:
                    reasons.append(f"rests on {entry['store']} {entry['digest']}, now {state.record.get('digest')}")
        return State(STALE if reasons else DONE, reasons, record, inputs)

    for path in paths:
        visit(path)
    return files
