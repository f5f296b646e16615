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
