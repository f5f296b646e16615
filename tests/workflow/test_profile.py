"""What the cluster profile makes of the rules; no Slurm is needed."""

import inspect
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.jobs import GroupJob
from snakemake.scheduling.job_scheduler import JobScheduler

from lib.atlas.workflow.internals import choose_once_at_a_time, name_groups

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))


def planned_on_slurm(copy, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", "slurm", "--dry-run", "all", *arguments],
        cwd=copy.root, env=copy.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_a_retry_asks_for_more(file):
    """Rules state memory and time through `mem` and `minutes`, and no partition or account."""
    text = file.read_text()
    assert re.findall(r"\b(?:mem_mb|mem|runtime)=(?!mem\(|minutes\()\S+", text) == []
    assert re.findall(r"\bgpu=(?!gpus\()\S+", text) == []
    assert re.findall(r"\b(?:slurm_\w+|gres|nodes)=\S+", text) == []


@pytest.mark.parametrize(("scale", "suffix"), [("smoke", ""), ("laptop", "_figures")])
def test_short_jobs_travel_together(project, scale, suffix):
    """A paper's figures are one group, all of the paper is at smoke scale, and no group depends on itself."""
    said = planned_on_slurm(project, "--config", f"scale={scale}")
    groups = {"audit", *(f"{slug}{suffix}" for slug in project.slugs())}
    assert sorted(re.findall(r"Group job (\w+)", said)) == sorted(groups)
    alone = set(re.findall(r"^rule (\w+):", said, re.MULTILINE))
    assert (alone == {"all", "audit_paper"}) is (scale == "smoke")  # a paper's page is made beside Snakemake


def test_a_groups_job_is_named_as_the_group():
    """Files are named after a job; the names of five rules in it are too long for a file system."""
    name_groups()
    jobs = [SimpleNamespace(rule=SimpleNamespace(name=letter * 60)) for letter in "abcdef"]
    assert GroupJob.name.fget(SimpleNamespace(groupid="group", jobs=jobs)) == "group"


def test_one_timer_at_a_time_wakes_the_choice_of_jobs():
    """Snakemake's own timers add up to hundreds of choices a second."""
    choose_once_at_a_time()
    assert "self._schedule_reevalutation(" in inspect.getsource(JobScheduler.schedule), "Snakemake asks by this name"
    scheduler = SimpleNamespace(_open_jobs=threading.Semaphore(0))
    for after in range(1, 3):
        for _ in range(100):
            JobScheduler._schedule_reevalutation(scheduler, 0.05)
        assert scheduler._open_jobs.acquire(timeout=10), "and again after it fired"
        assert not scheduler._open_jobs.acquire(timeout=0.2), f"one wake for a hundred requests, round {after}"


def rules_of(copy, *allowed: str) -> set[str]:
    """First words of the rules that a process reads which was started for jobs of some rules."""
    listed = copy.snakemake("--list-rules", *(("--allowed-rules", *allowed) if allowed else ()), "--cores", "1").stdout
    return {slug for slug in copy.slugs() if re.search(rf"^{slug}_", listed, re.MULTILINE)}


def test_a_job_reads_only_its_own_papers_rules(project):
    """A cluster starts Snakemake for every job; the audit's jobs read all."""
    assert rules_of(project, "mamba3_train_lm", "mamba3_order") == {"mamba3"}
    assert rules_of(project, "mamba3_order", "h_chromatic_ranks") == {"mamba3", "h_chromatic"}
    assert rules_of(project, "mamba3_order", "audit_index") == project.slugs() == rules_of(project)


def resources_of_draw(said: str) -> str:
    """The resources of the first job of the toy paper's stage `draw`."""
    return re.search(r"^rule toy_draw:.*?^    resources: (.*?)$", said, re.MULTILINE | re.DOTALL)[1]


def test_bounds_of_the_profile_hold_for_every_job(toy):
    assert "runtime=5" in resources_of_draw(planned_on_slurm(toy))
    path = toy.root / "slurm/config.yaml"
    path.write_text(path.read_text() + "\nresources: {runtime: 3, mem_mb: 400}\n")
    bounded = resources_of_draw(planned_on_slurm(toy))
    assert "runtime=3" in bounded
    assert "mem_mb=400" in bounded


def test_a_run_that_keeps_to_the_cpu_asks_for_no_gpu(toy):
    toy.edit(
        "workflow/rules/toy.smk",
        '    params:\n        **paper.params("draw"',
        '        gpu=gpus(1),\n    params:\n        **paper.params("draw"',
    )
    assert "gpu=1" in resources_of_draw(planned_on_slurm(toy))
    assert "gpu=0" in resources_of_draw(planned_on_slurm(toy, "--config", "device=cpu"))
