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
from lib.atlas.job.lineage import checksum
from lib.atlas.job.stage import wildcard
from lib.atlas.names import listed

DONE, STALE, MISSING, FAILED, DAMAGED = "done", "stale", "missing", "failed", "damaged"
STATES = (DONE, STALE, MISSING, FAILED, DAMAGED)


@dataclass
class State:
    """State of one file, with one line for each reason, its provenance and the files it rests on."""

    kind: str
    reasons: list[str] = field(default_factory=list)
    record: dict = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)


def body(contents: bytes, name: str) -> bytes:
    """A file without the record that it carries; of a table, what follows the first line."""
    return contents.partition(b"\n")[2] if name.endswith(".csv") else contents


def read_record(path: Path, deep: bool) -> dict:
    """What a file says it was made from; arguments and errors as of `_read_record`."""
    record = _read_record(path, deep)
    if not isinstance(record, dict) or not isinstance(record.get("inputs", {}), dict):
        kind = type(record.get("inputs") if isinstance(record, dict) else record).__name__
        raise ValueError(f"{path}: damaged: its record of what it was made from is no mapping but a {kind}")
    return record


def _read_record(path: Path, deep: bool) -> dict:
    """As `read_record`, of whatever type the file holds.

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
            record = json.loads(contents.partition(b"\n")[0].removeprefix(b"# "))
            if deep and record["digest"] != hashlib.sha256(body(contents, path.name)).hexdigest()[:16]:
                raise ValueError(f"{path}: damaged: the table does not match its digest")
            return record
        return json.loads(contents)["provenance"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged: no record of what it was made from ({type(error).__name__})") from None


def _short(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


# fields of the records of each kind of file; `root_seed` where the rule has one, `timing` where times were measured
_SHORT = {"paper", "stage", "scale", "wildcards", "code", "parameters", "inputs"}
_FULL = _SHORT | {"threads", "commit", "libraries", "machine", "device"}
_FIELDS = {".svg": _SHORT | {"digest", "picture"}, ".csv": _SHORT | {"digest"}, ".json": _FULL}
_STORE = _FULL | {"digest", "attributes"}
_OF_INPUTS = ("stage", "wildcards", "parameters", "root_seed", "code", "timing")


def _misfits(record: dict, path: str, rule: dict) -> list[str]:
    """Fields that a record lacks, or that nobody writes."""
    fields = _STORE if path.endswith(store.SUFFIX) else _FIELDS[Path(path).suffix]
    if "root_seed" in rule and "threads" in fields:
        fields = fields | {"root_seed"}
    missing, strange = sorted(fields - set(record)), sorted(set(record) - fields - {"timing"})
    return [f"its record has no {key}" for key in missing] + [
        f"its record has a strange field {key}" for key in strange
    ]


def differences(record: dict, rule: dict, name: str, place: dict) -> list[str]:
    """Why a file is not what a rule would make now: another place, code, parameters, seed.

    Args:
        record: what the file says of itself.
        rule: of the plan, the one that makes files of this name.
        name: of the rule.
        place: paper, stage, scale and wildcards that the file's name stands for.
    """
    reasons = [
        f"{key}: made as {_short(record[key])}, lies as {_short(place[key])}"
        for key in place
        if key in record and record[key] != place[key]
    ]
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


class _Walk:
    """States of files, found by walking from each to what it rests on.

    Args:
        plan, folder, deep: as of `states`.
    """

    def __init__(self, plan: dict, folder: Path, deep: bool):
        self.plan, self.folder, self.deep = plan, folder, deep
        self.files: dict[str, State] = {}

    def visit(self, path: str) -> State:
        """State of one file; what it rests on is visited first."""
        if path not in self.files:
            self.files[path] = State(STALE, ["it rests on itself"])
            self.files[path] = self._look(path)
        return self.files[path]

    def _look(self, path: str) -> State:
        name, wildcards = maker(self.plan, path)
        file = self.folder / path
        if not file.exists():
            if name and _failed(self.plan, name, wildcards, self.folder):
                return State(FAILED, [f"{name} failed: see its log"])
            return State(MISSING, ["no such file"])
        try:
            record = read_record(file, self.deep)
        except ValueError as error:
            return State(DAMAGED, [str(error).replace(str(file), file.name).partition("; delete")[0]])
        if name is None:
            return State(STALE, ["no rule makes it any more"], record)
        rule = self.plan["rules"][name]
        slug, home = self._home(path)
        place = {
            "paper": slug,
            "stage": name.removeprefix(f"{slug}_"),
            "scale": self.plan["scale"],
            "wildcards": {key: wildcard(value) for key, value in wildcards.items()},
        }
        reasons = _misfits(record, path, rule) + differences(record, rule, name, place)
        more, inputs = self._inputs(record, rule, wildcards, home)
        reasons += more
        return State(STALE if reasons else DONE, reasons, record, inputs)

    def _home(self, path: str) -> tuple[str, str]:
        """The paper that a result belongs to, and its folder."""
        papers = self.plan["papers"].items()
        return next(((slug, p["folder"]) for slug, p in papers if path.startswith(p["folder"] + "/")), ("", ""))

    def _inputs(self, record: dict, rule: dict, wildcards: dict, home: str) -> tuple[list[str], dict[str, list[str]]]:
        """Why a file's inputs are not those that lie there now, and the paths of the stores among them."""
        now = {
            key: [fill(one, wildcards) for one in ([entry] if isinstance(entry, str) else entry)]
            for key, entry in rule["inputs"].items()
        }
        before = {key: listed(entry) for key, entry in record.get("inputs", {}).items()}
        reasons = [f"input {key} is new" for key in sorted(set(now) - set(before))]
        inputs: dict[str, list[str]] = {}
        for key, entries in before.items():
            stores = [entry for entry in entries if "digest" in entry]
            inputs[key] = [f"{home}/{entry['store']}" for entry in stores]
            raw = [entry for entry in entries if "digest" not in entry]
            if stores and inputs[key] != now.get(key, []):
                reasons.append(f"input {key}: made from {len(stores)} file(s) that are not those of the rule")
            for entry, one in zip(stores, inputs[key]):
                reasons += self._rests_on(entry, one)
            for entry in raw:
                reasons += self._raw(key, entry)
        return reasons, inputs

    def _rests_on(self, entry: dict, path: str) -> list[str]:
        """Why a store is not the one that a file was made from."""
        state = self.visit(path)
        reasons = [] if state.kind == DONE else [f"rests on {entry['store']}, which is {state.kind}"]
        if not state.record:
            return reasons
        if state.record.get("digest") != entry["digest"]:
            return [*reasons, f"rests on {entry['store']} {entry['digest']}, now {state.record.get('digest')}"]
        strange = [key for key in _OF_INPUTS if key in entry and entry[key] != state.record.get(key)]
        return reasons + [f"rests on {entry['store']}: its record names another {key}" for key in strange]

    def _raw(self, key: str, entry: dict) -> list[str]:
        """Why a file that no rule makes is not the one that was read: of the project, or supplied by the user."""
        places = [entry["path"]] if "path" in entry else self.plan["data"].values()
        files = [self.folder / place for place in places if Path(place).name == entry["store"]]
        if not files or not files[0].exists():
            return [f"input {key}: {entry['store']} is not there to be compared"]
        return (
            []
            if checksum(files[0]) == entry.get("sha256")
            else [f"input {key}: the contents of {files[0].name} changed"]
        )


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
    walk = _Walk(plan, folder, deep)
    for path in paths:
        walk.visit(path)
    return walk.files
