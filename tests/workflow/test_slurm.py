"""`snakemake --profile slurm all` on a real Slurm: the same digests as a local run, and no fault leaves a half-written store.

The cluster is this machine (`tests/slurm/cluster.sh`). A fault hits the toy paper's stage `draw` while it runs.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lib.atlas import compare, store

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]

CLUSTER = Path(__file__).parents[1] / "slurm" / "cluster.sh"
STORE = "results/smoke/toy/draw_0.zarr.zip"


def cluster_command(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["bash", str(CLUSTER), *arguments], capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """A running cluster; one that runs already is left as it is."""
    was_up = shutil.which("sinfo") is not None and ask("sinfo").returncode == 0
    done = cluster_command("up")
    if done.returncode == 77:
        pytest.skip(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    yield
    if not was_up:
        cluster_command("down")


def ask(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def wait_for(condition, seconds: float, what: str):
    """Poll until `condition` gives something true, and return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{what}: waited {seconds} s in vain"
        time.sleep(0.2)
    return found


class ClusterRun:
    """One `snakemake --profile slurm` of a copy of the project, and the Slurm jobs that are its."""

    def __init__(self, copy, *arguments: str):
        self.copy = copy
        self.log = copy.root / "run.log"
        environment = copy.environment() | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["snakemake", "--profile", "slurm", *arguments], cwd=copy.root, env=environment, stdout=log, stderr=log
            )

    def said(self) -> str:
        return self.log.read_text()

    def jobs(self, state: str = "all") -> list[dict]:
        """This run's jobs in Slurm, oldest first."""
        name = re.search(r"SLURM run ID: (\S+)", self.said())
        if name is None:
            return []
        form = {"id": "%A", "state": "%T", "memory": "%m", "limit": "%l", "partition": "%P", "node": "%N", "what": "%k"}
        done = ask("squeue", "--noheader", f"--states={state}", "--name", name[1], "--format", "|".join(form.values()))
        rows = [dict(zip(form, line.split("|"))) for line in done.stdout.splitlines()]
        return sorted(rows, key=lambda row: int(row["id"]))

    def running_stage(self) -> dict:
        """The job whose stage has begun to work: it runs, and the stage's log is there."""
        log = self.copy.root / "results/smoke/toy/logs/draw_0.log"
        return wait_for(lambda: log.exists() and next(iter(self.jobs("RUNNING")), None), 120, "a running job")

    def finish(self, seconds: float = 300) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(60)
            raise AssertionError(f"the run did not end within {seconds} s:\n{self.said()}") from None


@pytest.fixture
def faulty(toy):
    """The toy paper at smoke scale, its stage `draw` waiting for a file to go away."""
    toy.edit("config/config.yaml", "scale: laptop", "scale: smoke")
    (toy.root / "wait").touch()
    return toy


def expect_whole(toy):
    """The store is whole, nothing half-written is left, and it is what a local run makes."""
    assert store.read(toy.root / STORE).sizes["draw"] == 200
    assert not list((toy.root / "results").rglob("*.tmp"))
    toy.snakemake(STORE.replace("results", "local"), "--config", "scale=smoke", "results=local", cores=1)
    assert (toy.root / STORE).read_bytes() == (toy.root / STORE.replace("results", "local")).read_bytes()


def expect_retried(run: ClusterRun, state: str):
    """The first job ended in `state`, the second asked for twice the memory and time and completed."""
    assert run.finish() == 0, run.said()
    first, second = run.jobs()
    assert (first["state"], second["state"]) == (state, "COMPLETED")
    assert f"SLURM status is: '{state}'" in run.said()
    assert int(second["memory"].rstrip("M")) == 2 * int(first["memory"].rstrip("M"))
    assert second["limit"] != first["limit"]
    expect_whole(run.copy)


def test_a_cancelled_job_is_retried(faulty):
    run = ClusterRun(faulty, STORE)
    job = run.running_stage()
    ask("scancel", job["id"])
    (faulty.root / "wait").unlink()
    expect_retried(run, "CANCELLED")


def test_a_job_over_its_time_limit_is_retried_with_more(faulty):
    faulty.edit("workflow/rules/toy.smk", "runtime=minutes(5)", "runtime=minutes(1)")
    run = ClusterRun(faulty, STORE)
    job = run.running_stage()
    wait_for(lambda: [j for j in run.jobs("TIMEOUT") if j["id"] == job["id"]], 180, "the time limit")
    assert not (faulty.root / STORE).exists()
    (faulty.root / "wait").unlink()
    expect_retried(run, "TIMEOUT")


def test_a_job_over_its_memory_limit_is_retried_with_more(faulty):
    (faulty.root / "wait").unlink()
    faulty.edit(
        "workflow/scripts/toy/draw.py",
        '    while os.path.exists("wait")',
        '    ballast = bytearray(os.urandom(1000)) * 400_000\n    time.sleep(8)\n    del ballast\n    while os.path.exists("wait")',
    )
    expect_retried(ClusterRun(faulty, STORE), "OUT_OF_MEMORY")
