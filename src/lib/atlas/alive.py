"""Carrying on after a killed run: a lock that nobody holds any more is removed, one that is held is left alone.

Snakemake marks a running workflow with files under `.snakemake/locks`, which a hard kill leaves behind. Beside them
every process of a run, the workflow itself and each of its stages, holds a shared kernel lock on `.snakemake/alive`
for as long as it lives. Where that lock can be had alone, no process is left and Snakemake's files are dead.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(".snakemake")
_UNLOCKING = "LINEAR_ATLAS_UNLOCKING"
_held = None


def _alone(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def nobody(folder: Path = FOLDER) -> bool:
    """Whether no process of a run lives in the working directory of this `.snakemake` folder."""
    try:
        with open(folder / "alive", "a") as file:
            return _alone(file)
    except FileNotFoundError:
        return True


def hold(snakefile: Path | None = None, folder: Path = FOLDER) -> bool:
    """Mark this process as part of a living run, until it ends.

    Args:
        snakefile: the workflow whose dead lock is to be removed first; None only marks.
        folder: Snakemake's folder in the working directory.

    Returns:
        Whether the lock of a killed run was removed.
    """
    global _held
    if _held is not None or os.environ.get(_UNLOCKING):
        return False
    try:
        folder.mkdir(exist_ok=True)
        file = open(folder / "alive", "a")  # noqa: SIM115 (held until the process ends)
        locked = snakefile is not None and any((folder / "locks").glob("*.lock"))
        alone = snakefile is not None and _alone(file)
        removed = locked and alone and _unlock(snakefile)
        if locked and not alone and "--allowed-rules" not in sys.argv:
            print(*living(folder), sep="\n", file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_SH)
    except OSError:  # a file system without locks, or one that cannot be written: Snakemake's own lock remains
        return False
    _held = file
    return removed


def _holders(folder: Path) -> list[str]:
    """Processes of this machine that hold the lock, with the script or command that they run."""
    mark, lines = (folder / "alive").resolve(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and any(link.resolve() == mark for link in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                script = next((word for word in words if word.endswith(".py") and "snakemake/scripts" in word), None)
                lines.append(
                    f"process {process.name}" + (f" ({Path(script).name.partition('.')[2]})" if script else "")
                )
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
    return lines


def _queued() -> list[str]:
    """Slurm jobs that were sent from this folder and have not ended; none where there is no Slurm."""
    form = "%Z|%i|%T|%k"
    try:
        command = ["squeue", "--me", "--noheader", "--format", form]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [line.split("|", 3) for line in done.stdout.splitlines() if line.count("|") >= 3]
    return [
        f"Slurm job {number} ({what}, {state.lower()})"
        for place, number, state, what in rows
        if Path(place).resolve() == Path.cwd()
    ]


def living(folder: Path = FOLDER) -> list[str]:
    """Lines that name what still lives of a run in this working directory, and what to do about it."""
    names = [*_queued(), *_holders(folder)]
    return [
        "linear atlas: a run is going on in this folder, or jobs of one that was killed: "
        + (", ".join(names) or "elsewhere"),
        "linear atlas: wait for them, or end them (`scancel`, `kill`), and type the same command again; do not unlock",
    ]


def _unlock(snakefile: Path) -> bool:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--unlock", "--cores", "1"]
    done = subprocess.run(command, env={**os.environ, _UNLOCKING: "1"}, capture_output=True, text=True)
    if done.returncode == 0:
        print("linear atlas: an earlier run was killed; its lock is removed and the work carries on", file=sys.stderr)
    return done.returncode == 0
