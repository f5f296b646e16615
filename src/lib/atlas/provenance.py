"""What a result was made from: code, commit, libraries, machine class; never a host, a user or an absolute path."""

import json
import os
import subprocess
import sys
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


def plain(value):
    """A JSON-like copy of parameters, with sorted keys."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))
