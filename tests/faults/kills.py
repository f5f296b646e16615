"""Kill a run at random moments, type the same command again, and compare the end with an undisturbed run."""

import contextlib
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from lib.atlas import alive
from lib.atlas.evidence import compare
from lib.atlas.job import figure, store
from tests.conftest import Copy, wait_for

FREED = "its lock is removed"


@dataclass
class Kill:
    """One kill: when (`chain`), whom, how many files were there, which were broken, and what the next run met."""

    moment: float
    whole_group: bool
    files: int
    broken: list[str]
    lock_removed: bool = False


def results_of(root: Path, scale: str) -> list[Path]:
    """Stores, figures, tables and claims that exist now."""
    folder = root / "results" / scale
    return sorted({path for pattern in compare.PATTERNS for path in folder.glob(pattern)})


def broken_files(root: Path, scale: str) -> list[str]:
    """Files under their final names that are not whole."""
    bad = []
    for path in results_of(root, scale):
        try:
            if path.name.endswith(store.SUFFIX):
                store.read(path)
            elif path.suffix == ".svg":
                figure.description(path)
            elif not path.read_bytes().endswith(b"\n"):
                bad.append(path.name)
        except ValueError:
            bad.append(path.name)
    return bad


def _group(number: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _let_run(run: subprocess.Popen, log: Path, moment: float | None) -> bool:
    """Wait until a moment of a run; whether the run ended before it."""
    while moment is not None and moment >= 0 and run.poll() is None and "jobid:" not in log.read_text():
        time.sleep(0.05)
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(None if moment is None else abs(moment))
        return True
    return False


def chain(copy: Copy, kills: int, seed: int, longest: float, target: str = "all", cores: int = 2) -> tuple[list, int]:
    """Run, kill, run again, kill again; when a run ends before its kill, start anew from nothing.

    Args:
        copy: the project to run in.
        kills: number of kills.
        seed: of the moments; every fourth kill hits the workflow's process alone and leaves its jobs alive.
        longest: seconds after the first job was chosen; moments are uniform from -3 to this, and one before zero is
            counted from the start of the command.
        target: what is made.
        cores: cores of each run.

    Returns:
        The kills, and how many runs came to their end in between. The last run always does.

    Raises:
        RuntimeError: a run that was not killed did not succeed.
    """
    draw, done, complete = random.Random(seed), [], 0
    log = copy.root / "run.log"
    while True:
        last = len(done) == kills
        moment = float("inf") if last else draw.uniform(-3, longest)
        with open(log, "w") as out:
            run = subprocess.Popen(
                copy.command(target, "--config", "scale=smoke", cores=cores), cwd=copy.root, env=copy.environment(),
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        ended = _let_run(run, log, None if last else moment)
        if not ended:
            whole_group = len(done) % 4 != 3
            (os.killpg if whole_group else os.kill)(run.pid, signal.SIGKILL)
            run.wait()
            group = run.pid
            wait_for(lambda: not _group(group), 60, "the killed run's processes to end")  # noqa: B023
            wait_for(lambda: alive.nobody(copy.root / ".snakemake"), 10, "the kernel to free the lock")
        text = log.read_text()
        if done:
            done[-1].lock_removed = FREED in text
        if ended and run.returncode:
            raise RuntimeError(f"the command did not carry on after kill {len(done)}:\n{text[-3000:]}")
        if not ended:
            files = len(results_of(copy.root, "smoke"))
            done.append(Kill(moment, whole_group, files, broken_files(copy.root, "smoke")))
            continue
        complete += 1
        if last:
            return done, complete
        copy.snakemake(target, "--delete-all-output", "--config", "scale=smoke")


def differences(copy: Copy, undisturbed: Path) -> tuple[int, list[tuple[str, str, str]]]:
    """Compare the results of a copy with an undisturbed run; number of files, and those that differ."""
    table = compare.compare_runs(undisturbed, copy.root / "results/smoke", 0, 0)
    return len(table), [row for row in table if row[1] not in (compare.IDENTICAL, compare.TIMED)]


def leftovers(root: Path) -> list[str]:
    """Temporary files that a finished run left behind."""
    return [path.name for path in (root / "results").rglob("*.tmp")]
