"""The environment that every job of a run inherits, so that jobs use this checkout and give equal results."""

import os
from pathlib import Path

from lib.atlas import alive
from lib.atlas.provenance import git_commit


def prepare(root: Path) -> None:
    """Set the environment variables of this run's jobs, and remove the lock of a run that was killed.

    Args:
        root: the project's root folder; jobs import `lib` and `kernels` from it, installed or not.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root / "src"), str(root)])
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # one workspace, so that cuBLAS gives equal results
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ.setdefault("MPLCONFIGDIR", str(root / ".cache" / "matplotlib"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(root / ".cache" / "numba"))
    os.environ["LINEAR_ATLAS_COMMIT"] = git_commit(root)
    alive.hold(root / "Snakefile")
