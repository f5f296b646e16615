"""Build the environment of this working tree, `.venv`, or mend it after the tree was moved, renamed or copied.

Run as `python3 -m lib.atlas.workflow.venv` (`make env`) by any Python from 3.11 on; the standard library is enough.
Nothing in the environment says where the tree lies, so a copy of the tree works on itself:

- a `.pth` file puts `src` and the root folder on the path, relative to `site-packages`;
- console scripts start the Python that lies beside them, where pip would write an absolute path.

A stamp in `.venv` records the folder and the hash of each lock file; where it agrees there is nothing to do. An
environment that is a link belongs to somebody else and is used as it is.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from lib.atlas.workflow import place

LOCK, STORAGE_LOCK = "requirements.lock", "requirements-storage.lock"
CONDA = "workflow/envs/atlas.yaml"
STAMP, PATHS = ".ready", "linear_atlas_tree.pth"
# how pip begins a console script: with the interpreter's path, or in three lines where that is too long for the kernel
_ABSOLUTE = re.compile(
    rb"\A#!(?:/[^\n]*/python[\d.]*\n|/bin/sh\n'''exec' \"?/[^\n]*/python[\d.]*\"? \"\$0\" \"\$@\"\n' '''\n)"
)
_BESIDE = b"""#!/bin/sh
'''exec' "$(dirname -- "$0")/python" "$0" "$@"
' '''
"""


def relocate_scripts(folder: Path) -> None:
    """Make the console scripts of an environment start the Python beside them.

    Args:
        folder: the environment's `bin`.
    """
    for script in folder.iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        text = script.read_bytes()
        if _ABSOLUTE.match(text):
            new = script.with_name(f".{script.name}.new")
            new.write_bytes(_ABSOLUTE.sub(lambda _: _BESIDE, text, count=1))
            new.chmod(script.stat().st_mode)
            new.replace(script)


def put_on_path(site_packages: Path, root: Path) -> None:
    """Put `src` and the root folder on the path of an environment inside that folder, relative to it."""
    up = os.path.relpath(root, site_packages)
    (site_packages / PATHS).write_text(f"{up}/src\n{up}\n", encoding="utf-8")


def _answers(python: Path) -> bool:
    try:
        return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def _stamp(file: Path) -> dict[str, str]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def build(root: Path, storage: bool = False) -> None:
    """Bring `.venv` to what the lock files and the folder say.

    Args:
        root: the tree's root folder.
        storage: also what results on an object store need.

    Raises:
        subprocess.CalledProcessError: pip or venv failed; both have said why.
    """
    venv = root / ".venv"
    python, file = venv / "bin/python", venv / STAMP
    if venv.is_symlink() and _answers(python):
        return
    locks = [LOCK, STORAGE_LOCK] if storage else [LOCK]
    hashes = {lock: hashlib.sha256((root / lock).read_bytes()).hexdigest() for lock in locks}
    stamp = _stamp(file)
    if stamp == {**stamp, "folder": str(root), **hashes} and _answers(python):
        return
    if not _answers(python):
        stamp = {}
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    elif stamp.get("folder") != str(root):
        print(f"linear atlas: .venv was built in {stamp.get('folder', 'another folder')}; mending it", file=sys.stderr)
        subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True)  # scripts that activate it
    file.unlink(missing_ok=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    for lock in locks:
        if stamp.get(lock) != hashes[lock]:
            subprocess.run([*pip, "install", "--quiet", "--requirement", root / lock], check=True)
    purelib = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site_packages = Path(subprocess.run(purelib, check=True, capture_output=True, text=True).stdout.strip())
    if any(site_packages.glob("linear_atlas-*.dist-info")):  # it would hide the tree's own modules
        subprocess.run([*pip, "uninstall", "--quiet", "--yes", "linear-atlas"], check=True)
    put_on_path(site_packages, root)
    relocate_scripts(venv / "bin")
    file.write_text(json.dumps({**stamp, "folder": str(root), **hashes}, indent=1) + "\n", encoding="utf-8")


def conda_environment(lock: str) -> str:
    """The environment file of `--software-deployment-method conda`, from the text of the lock file.

    It lists the packages themselves: Snakemake names a conda environment by the hash of this file alone, and would take
    an old environment for a changed lock file that it only refers to.
    """
    packages = [line.strip() for line in lock.splitlines() if line.strip() and not line.startswith("#")]
    head = f"# Written by `make conda` from {LOCK}, for those who run with --software-deployment-method conda."
    lines = [head, "channels: [conda-forge]", "dependencies:", "  - python=3.11", "  - pip", "  - pip:"]
    return "\n".join([*lines, *(f"      - {package}" for package in packages)]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Build or mend the environment; return the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m lib.atlas.workflow.venv", description=__doc__.splitlines()[0])
    parser.add_argument("--storage", action="store_true", help=f"also {STORAGE_LOCK}")
    parser.add_argument("--conda", action="store_true", help=f"write {CONDA} from {LOCK} and build nothing")
    options = parser.parse_args(arguments)
    if options.conda:
        text = conda_environment((place.ROOT / LOCK).read_text(encoding="utf-8"))
        (place.ROOT / CONDA).write_text(text, encoding="utf-8")
        return 0
    try:
        place.check(place.ROOT, place.ROOT / ".venv/bin/python")
        build(place.ROOT, options.storage)
    except (ValueError, OSError) as error:
        print(f"linear atlas: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"linear atlas: {' '.join(map(str, error.cmd))} ended with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
