"""Pack a run into one archive in which `make check` passes: the tree, results, audit, crate and lock file.

Run as `python -m lib.atlas release results/laptop` (`make release`) for `build/linear-atlas-laptop-COMMIT.zip`. In the
unpacked folder, on any machine, `make check` measures every claim again from the stores that lie there and compares
every page; nothing is run. The root folder is an RO-Crate that names each file with its sha256.
"""

import subprocess
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.evidence import crate as crates
from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.archive import zip_folder
from lib.atlas.evidence.check import check
from lib.atlas.evidence.state import states
from lib.atlas.names import ROOT
from lib.atlas.provenance import git_commit

NOTE = """# Linear Atlas at {scale} scale, commit {commit}

The working tree of that commit and the results of a run. On Linux with Python 3.11 or later, in this folder:

    make check SCALE={scale}    # builds the environment from requirements.lock, then checks; runs no stage
    make adopt SCALE={scale}    # takes the results over, so that a run makes only what is missing

`results/{scale}/audit/index.html` is where to begin; `ro-crate-metadata.json` says what was made from what. Data sets
that a user supplies by path are not packed; their keys are in the papers' files.
"""


def tracked(root: Path) -> list[Path]:
    """Files of the commit that a working tree is at.

    Raises:
        ValueError: no git repository, or one with changes that are not committed.
    """
    done = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{root}: not a git repository; a release is made from a commit")
    if git_commit(root).endswith("+changes"):
        raise ValueError(f"{root}: got changes that are not committed, expected the files of a commit")
    return [root / name for name in sorted(done.stdout.split("\0")) if name]


def _left_out(inside: Path) -> bool:
    """Whether a file of the results says nothing that is checked: logs, the report, what is hidden."""
    return any(part.startswith((".", "report.")) or part == "logs" for part in inside.parts)


def pack(plan: dict, folder: Path, root: Path, destination: Path) -> list[str]:
    """Write the release of a run.

    Args:
        plan: of the working tree.
        folder: what the plan's paths are relative to.
        root: the project's root folder.
        destination: the zip file.

    Returns:
        Names of its files.

    Raises:
        ValueError: the tree is not that of a commit, or the check finds something.
    """
    sources = tracked(root)
    findings, _ = check(plan, folder, root)
    if findings:
        first = findings[0]
        raise ValueError(f"{first.paper} {first.what}: {first.kind}: {first.why}; a release passes its own check")
    products = [path for paper in plan["papers"].values() for path in (*paper["figures"], paper["claims"])]
    files = states(plan, products, folder, deep=True)
    crate = crates.build(plan, files, folder, root, f"Linear Atlas at {plan['scale']} scale")
    for file in sources:
        if crate.dereference(file.relative_to(root).as_posix()) is None:
            crates.add_code(crate, file, root, git_commit(root))
    results = folder / plan["results"] / plan["scale"]
    for file in sorted(results.rglob("*")):
        inside = file.relative_to(results)
        path = f"{plan['results']}/{plan['scale']}/{inside.as_posix()}"
        if file.is_file() and path not in files and not _left_out(inside):
            crates.add_result(crate, file, crates.within(path, plan))
    crates.add_text(crate, "RELEASE.md", NOTE.format(scale=plan["scale"], commit=git_commit(root)))
    with tempfile.TemporaryDirectory(prefix="atlas-release-") as name:
        crate.write(name)
        for file in sources:  # which may be run
            (Path(name) / file.relative_to(root)).chmod(file.stat().st_mode)
        return zip_folder(Path(name), destination)


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas release`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--to", type=Path, help="the zip file; by default build/linear-atlas-<scale>-<commit>.zip")


def main(options: Namespace) -> int:
    """Write the release; return the exit status."""
    plan, folder = plans.of_results(options.results, ROOT)
    destination = options.to or ROOT / "build" / f"linear-atlas-{plan['scale']}-{git_commit(ROOT)}.zip"
    names = pack(plan, folder, ROOT, destination)
    print(f"{destination}: {len(names)} files, {destination.stat().st_size / 2**20:.0f} MiB")
    return 0
