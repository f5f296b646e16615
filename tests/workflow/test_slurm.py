"""`snakemake --profile slurm all` on a real Slurm: digests as of a local run, and no fault leaves a half-written store.

The cluster is this machine (`tests/slurm/cluster.sh`). A fault hits the toy paper's stage `draw` while it runs.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from lib.atlas import alive
from lib.atlas.job import store
from tests import conftest

pytestmark = [pytest.mark.workflow, pytest.mark.slurm]

CLUSTER = Path(__file__).parents[1] / "slurm" / "cluster.sh"
# ask Slurm for a job's fate sooner than on a real cluster
SOON = ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1")
STORE = "results/laptop/toy/draw_0.zarr.zip"
MEANS = "results/laptop/toy/means.zarr.zip"


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


wait_for = partial(conftest.wait_for, every=0.2)  # each look asks Slurm


class ClusterRun:
    """One `snakemake --profile slurm` of a copy of the project, and the Slurm jobs that are its."""

    def __init__(self, copy, *arguments: str):
        self.copy = copy
        self.log = copy.root / "run.log"
        environment = copy.environment() | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["snakemake", "--profile", "slurm", *arguments], cwd=copy.root, env=environment, stdout=log, stderr=log
            )  # fmt: skip

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
        log = self.copy.root / "results/laptop/toy/logs/draw_0.log"
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
    """The toy paper, its stage `draw` a job of its own that waits for a file to go away."""
    (toy.root / "wait").touch()
    return toy


def expect_whole(toy):
    """The store is whole, nothing half-written is left, and it is what a local run makes."""
    assert store.read(toy.root / STORE).sizes["draw"] == 2000
    assert not list((toy.root / "results").rglob("*.tmp"))
    toy.snakemake(STORE.replace("results", "local"), "--config", "scale=laptop", "results=local", cores=1)
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


def slurm_log(run: ClusterRun, job: dict) -> str:
    return next((run.copy.root / ".snakemake/slurm_logs").rglob(f"{job['id']}.log")).read_text()


def test_everything_at_smoke_scale_is_what_a_local_run_makes(project, finished_smoke, capsys):
    project.edit("config/config.yaml", "scale: laptop", "scale: smoke")
    papers = conftest.sampled(project.slugs())
    whole = set(papers) == project.slugs()
    targets = ["all"] if whole else papers
    with capsys.disabled():
        print(f"\n{len(papers)} of {len(project.slugs())} papers on Slurm: {', '.join(papers)}")
    started = time.monotonic()
    if finished_smoke is None:
        project.snakemake(*targets, "--config", "scale=smoke", "results=local")
    local = time.monotonic()
    run = ClusterRun(project, *targets)
    assert run.finish(1800) == 0, run.said()
    cluster = time.monotonic()
    with capsys.disabled():
        before = f"local {local - started:.0f} s, " if finished_smoke is None else ""
        print(f"{before}Slurm {cluster - local:.0f} s, {len(run.jobs())} Slurm jobs")
    first, second = finished_smoke or project.root / "local/smoke", project.root / "results/smoke"
    if whole:
        conftest.expect_identical(first, second)
    for slug in papers:
        conftest.expect_identical(first / slug, second / slug)
    assert {job["state"] for job in run.jobs()} == {"COMPLETED"}
    sent = [f"rule_{slug}" for slug in papers] + whole * ["rule_audit"]  # a paper is one job
    assert sorted(job["what"] for job in run.jobs()) == sorted(sent)


def test_a_cancelled_job_is_retried(faulty):
    run = ClusterRun(faulty, STORE, *SOON)
    ask("scancel", run.running_stage()["id"])
    (faulty.root / "wait").unlink()
    expect_retried(run, "CANCELLED")


def test_a_job_over_its_time_limit_is_retried_with_more(faulty):
    faulty.edit("workflow/rules/toy.smk", "runtime=minutes(5)", "runtime=minutes(1)")
    run = ClusterRun(faulty, STORE, *SOON)
    job = run.running_stage()
    wait_for(lambda: [j for j in run.jobs("TIMEOUT") if j["id"] == job["id"]], 180, "the time limit")
    assert not (faulty.root / STORE).exists()
    (faulty.root / "wait").unlink()
    expect_retried(run, "TIMEOUT")


def hoard(toy, megabytes: int) -> None:
    """Let the stage `draw` hold that much memory for some seconds."""
    (toy.root / "wait").unlink()
    toy.edit(
        "workflow/scripts/toy/draw.py",
        '    while os.path.exists("wait")',
        f"    hoard = os.urandom(1000) * {1000 * megabytes}\n    time.sleep(6)\n    del hoard\n"
        '    while os.path.exists("wait")',
    )


def test_a_job_over_its_memory_limit_is_retried_with_more(faulty):
    hoard(faulty, 400)
    run = ClusterRun(faulty, STORE, *SOON)
    expect_retried(run, "FAILED")  # of the job; its step was killed for its memory:
    assert "exceeded memory limit" in slurm_log(run, run.jobs()[0])


def test_a_job_that_fails_every_time_is_reported(faulty):
    hoard(faulty, 1600)
    run = ClusterRun(faulty, STORE, "--retries", "1", *SOON)
    assert run.finish() == 1
    assert [job["state"] for job in run.jobs()] == ["FAILED"] * 2
    assert run.said().count("Error in rule toy_draw:") >= 2
    last = run.jobs()[-1]
    assert f"rule_toy_draw/0/{last['id']}.log" in run.said()
    assert "exceeded memory limit" in slurm_log(run, last)
    assert not list((faulty.root / "results").rglob("*.zarr.zip"))


@pytest.mark.parametrize(("scale", "job"), [("laptop", "toy_gather_means"), ("smoke", "toy")])
@pytest.mark.parametrize(
    ("demand", "reason"),
    [
        (("--default-resources", "slurm_partition=nowhere"), "invalid partition specified: nowhere"),
        (("--set-resources", "toy_gather_means:mem_mb=90000000"), "Memory specification can not be satisfied"),
    ],
)
def test_a_refused_job_is_explained_in_one_line(toy, scale, job, demand, reason):
    """A single job, and a group of jobs, of which Snakemake itself does not say why; what is done stays done."""
    toy.snakemake("toy_histogram", scale=scale)
    before = {path: path.read_bytes() for path in (toy.root / "results").rglob("*.zarr.zip")}
    refused = ClusterRun(toy, "all", "--config", f"scale={scale}", *demand, *SOON)
    assert refused.finish() == 1
    lines = [line for line in refused.said().splitlines() if line.startswith("linear atlas: ")]
    assert len(lines) == 1, refused.said()
    assert lines[0].startswith(f"linear atlas: the cluster refused {job}: ")
    assert reason in lines[0]
    assert {job["state"] for job in refused.jobs()} <= {"FAILED"}  # Slurm remembers some that it refused
    assert {path: path.read_bytes() for path in (toy.root / "results").rglob("*.zarr.zip")} == before
    left = {"toy_gather_means", "toy_means", "toy_measure_claims", "audit_gather", "audit_table"}
    left |= {"audit_index", "audit_search", "audit_gallery", "audit_paper"}
    assert toy.planned("--config", f"scale={scale}") == left


def test_a_job_of_a_dead_node_runs_elsewhere(faulty):
    """Slurm itself puts the job of a node that died back into the queue, under the same number."""
    run = ClusterRun(faulty, STORE, *SOON)
    job = run.running_stage()
    assert cluster_command("kill", job["node"]).returncode == 0
    try:
        wait_for(lambda: [j for j in run.jobs("PENDING") if j["id"] == job["id"]], 120, "the job back in the queue")
        assert not (faulty.root / STORE).exists()
        (faulty.root / "wait").unlink()
        ask("scontrol", "update", f"JobId={job['id']}", "StartTime=now")  # Slurm would wait two minutes
        assert run.finish() == 0, run.said()
    finally:
        cluster_command("start", job["node"])
    (after,) = run.jobs()
    assert (after["id"], after["state"]) == (job["id"], "COMPLETED")
    assert after["node"] != job["node"]
    expect_whole(faulty)


def test_a_node_that_goes_down_without_requeueing_is_a_retry(faulty):
    run = ClusterRun(faulty, STORE, "--slurm-no-requeue", *SOON)
    node = run.running_stage()["node"]
    ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=test")
    (faulty.root / "wait").unlink()
    try:
        expect_retried(run, "NODE_FAIL")
    finally:
        ask("scontrol", "update", f"NodeName={node}", "State=RESUME")


def test_a_killed_snakemake_carries_on(faulty):
    """What docs/cluster.md says: cancel what still runs, type the same command again; the dead lock is removed."""
    run = ClusterRun(faulty, STORE, *SOON)
    job = run.running_stage()
    run.process.kill()
    run.process.wait()
    assert [j["state"] for j in run.jobs()] == ["RUNNING"]
    ask("scancel", job["id"])
    wait_for(lambda: run.jobs("CANCELLED"), 60, "the cancelled job")
    # Slurm calls a job cancelled as soon as it is told; its processes have a grace time to end in
    wait_for(lambda: alive.nobody(faulty.root / ".snakemake"), 90, "the end of the cancelled job's processes")
    assert not (faulty.root / STORE).exists()
    (faulty.root / "wait").unlink()
    again = ClusterRun(faulty, STORE, *SOON)
    assert again.finish() == 0, again.said()
    assert "its lock is removed" in again.said()
    expect_whole(faulty)


def test_snakemake_may_itself_be_a_job(faulty):
    """The variables `SLURM_*` of the job that Snakemake runs in do not reach the jobs that it submits."""
    (faulty.root / "wait").unlink()
    command = [str(Path(sys.executable).parent / "snakemake"), "--profile", "slurm", STORE, *SOON]
    outer = ["sbatch", "--wait", "--partition=gpu", "--mem=1500", "--output=outer.log", "--wrap", shlex.join(command)]
    done = subprocess.run(outer, cwd=faulty.root, env=faulty.environment(), timeout=300, check=False)
    assert done.returncode == 0, (faulty.root / "outer.log").read_text()
    expect_whole(faulty)


def test_gpu_jobs_go_to_the_gpu_partition_and_others_do_not(faulty):
    (faulty.root / "wait").unlink()
    generator = str(Path(sys.executable).parent / "generate-slurm-partition-config")
    subprocess.run([generator, "-o", "slurm/partitions.yaml"], cwd=faulty.root, check=True, capture_output=True)
    faulty.edit(
        "slurm/partitions.yaml", "  gpu:\n", "  gpu:\n    max_gpu: 1\n"
    )  # Slurm tells it only where it is accounted
    faulty.edit(
        "workflow/rules/toy.smk",
        '    params:\n        **paper.params("draw"',
        '        gpu=gpus(1),\n    params:\n        **paper.params("draw"',
    )
    run = ClusterRun(faulty, MEANS, *SOON)
    assert run.finish() == 0, run.said()
    where = {(job["what"].split("_wildcards")[0], job["partition"]) for job in run.jobs()}
    assert where == {("rule_toy_draw", "gpu"), ("rule_toy_gather_means", "short")}
    expect_whole(faulty)
