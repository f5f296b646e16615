"""Where a working tree may lie, and to which tree a path belongs.

Standard library only, and nothing else of the project: `lib.atlas.workflow.venv` uses it before anything is installed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
# Snakemake writes the interpreter's path into each job's command line without quotes; a colon would divide PYTHONPATH
CHARACTERS = "'\"$&(){};<>|\\`:"
_BREAKING = re.compile(rf"[\s{re.escape(CHARACTERS)}]")


def check(root: Path, interpreter: Path = Path(sys.executable)) -> None:
    """Refuse a folder in which no job could start, and a workflow that runs with the code of another tree.

    Args:
        root: the tree's root folder.
        interpreter: the Python that runs the jobs.

    Raises:
        ValueError: a character of either path that breaks the command line of a job, or modules of another tree.
    """
    for path in (root, interpreter):
        breaking = _BREAKING.search(str(path))
        if breaking:
            raise ValueError(
                f"{path}: got {breaking[0]!r} in the path, expected no space and none of {CHARACTERS} "
                "(a shell would misread the command line of every job); rename the folder or move it"
            )
    if root.resolve() != ROOT:
        raise ValueError(f"{root}: got `lib` of {ROOT}, expected this tree's own: run `make env` and unset PYTHONPATH")


def tree_of(path: Path) -> Path | None:
    """The root folder of the working tree that a path lies in; None outside of any."""
    path = path.resolve()
    return next((folder for folder in (path, *path.parents) if _is_tree(folder)), None)


def _is_tree(folder: Path) -> bool:
    return (folder / "Snakefile").is_file() and (folder / "src/lib/atlas").is_dir()


def check_own(path: Path, root: Path = ROOT) -> None:
    """Refuse results that lie in another working tree than the code that would judge them.

    Raises:
        ValueError: the other tree is named.
    """
    tree = tree_of(path)
    if tree is not None and tree != root:
        raise ValueError(f"{path}: got results of the tree {tree}, expected those of {root}, whose code this is")
