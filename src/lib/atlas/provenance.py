"""What a result was made from: code, commit, libraries, machine class; never a host, a user or an absolute path."""

import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "xarray", "zarr", "torch", "numba", "networkx", "scikit-learn", "matplotlib", "pandas")
_MODULES = {"scikit-learn": "sklearn"}


def git_commit(root: Path) -> str:
    """Commit of the working tree, with `+changes` when tracked files differ from it; `unknown` outside git."""
    known = os.environ.get("LINEAR_ATLAS_COMMIT")
    if known:
        return known
    try:
        git = ["git", "-C", str(root)]
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip() + ("+changes" if changes.stdout.strip() else "")


UNCOMMITTED = "uncommitted"


def rules_since(file: Path, rules: list[dict]) -> dict[str, dict[str, str]]:
    """Since which commit each claim's smallest scale, pass rules and gate stand as they are.

    Args:
        file: the paper's file.
        rules: `id`, `scale`, `pass` and perhaps `gate` of its claims, as this run judges by them.

    Returns:
        For each claim `commit` and `date`; `uncommitted` where the last commit has another rule; nothing outside git.
    """
    import yaml

    git, name = ["git", "-C", str(file.parent)], file.name
    options = {"capture_output": True, "check": True}
    try:
        log = subprocess.run([*git, "log", "--abbrev=12", "--format=%h %cs", "--", name], **options).stdout.decode()
        commits = [line.split(" ") for line in log.splitlines()]
        asked = "".join(f"{commit}:./{name}\n" for commit, _ in commits).encode()
        answers = subprocess.run([*git, "cat-file", "--batch"], input=asked, **options).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    rest = {rule["id"]: {key: value for key, value in rule.items() if key != "id"} for rule in rules}
    since = {name: {"commit": UNCOMMITTED, "date": ""} for name in rest} if commits else {}
    for commit, date in commits:  # from the last one back
        head, _, answers = answers.partition(b"\n")
        if head.split(b" ")[1] != b"blob":
            break
        size = int(head.split(b" ")[2])
        contents, answers = answers[:size], answers[size + 1 :]
        try:
            claims = {
                entry["id"]: entry
                for entry in yaml.load(contents, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["claims"]
            }
        except (yaml.YAMLError, KeyError, TypeError):
            break
        keys = ("scale", "pass", "gate")
        rest = {
            name: rule
            for name, rule in rest.items()
            if rule == {key: claims[name][key] for key in keys if name in claims and key in claims[name]}
        }
        since |= {name: {"commit": commit, "date": date} for name in rest}
        if not rest:
            break
    return since


def libraries() -> dict[str, str]:
    """Versions of Python and of those numerical libraries that this process has imported."""
    versions = {name: version(name) for name in LIBRARIES if _MODULES.get(name, name) in sys.modules}
    return {"python": ".".join(map(str, sys.version_info[:3])), **versions}


def installed() -> dict[str, str]:
    """Versions of Python and of all numerical libraries, imported or not."""
    return {"python": ".".join(map(str, sys.version_info[:3])), **{name: version(name) for name in LIBRARIES}}


def _processor() -> str:
    """The processor and its widest vector instructions; `unknown` where the kernel does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    facts = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
    name = facts.get("model name", facts.get("CPU part", "unknown")).strip()
    flags = set(facts.get("flags", facts.get("Features", "")).split())
    vectors = [flag for flag in ("avx512f", "avx2", "sve", "asimd") if flag in flags]
    return " ".join([name, *vectors[:1]])


@cache
def machine(root: Path) -> dict:
    """What equal code may still give other last digits on: processor, BLAS with its kernel and threads, pinned set.

    Args:
        root: the project's root folder.
    """
    facts: dict = {"processor": _processor()}
    if "numpy" in sys.modules:
        from threadpoolctl import threadpool_info

        facts["blas"] = sorted(
            {
                " ".join(str(pool[key]) for key in ("internal_api", "version", "architecture") if pool.get(key))
                for pool in threadpool_info()
                if pool["user_api"] == "blas"
            }
        )
    lock = root / "requirements.lock"
    if lock.exists():
        facts["lock"] = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    return facts


def plain(value):
    """A JSON-like copy of parameters, with sorted keys."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))
