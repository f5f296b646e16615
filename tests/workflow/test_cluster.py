"""What is said where a cluster does not answer, or still runs jobs of a killed run; its commands are played here."""

import os
import signal
import subprocess

import pytest

from lib.atlas.workflow import cluster
from tests.conftest import wait_for


@pytest.fixture
def command(tmp_path, monkeypatch):
    """`command("scontrol", "echo yes")` puts a command before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def one(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return one


@pytest.mark.parametrize(
    ("arguments", "sends"),
    [
        (["--profile", "slurm", "all"], True),
        (["--profile=slurm"], True),
        (["--executor", "slurm", "--jobs", "2"], True),
        (["--profile", "slurm", "--dry-run"], False),
        (["--profile", "slurm", "--executor", "local"], False),
        (["--executor", "slurm-jobstep", "--profile", "slurm"], False),
        (["--cores", "2", "slurm"], False),
    ],
)
def test_which_command_lines_send_jobs_to_slurm(arguments, sends):
    assert cluster.sends_to_slurm(arguments) is sends


def test_a_controller_that_is_up_is_enough(command):
    command("scontrol", "echo 'Slurmctld(primary) at head is UP'")
    cluster.check_controller(["--profile", "slurm"])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'Slurmctld(primary) at head is DOWN'; exit 1", "at head is DOWN"),
        ("sleep 5", "no answer within 1 s"),
        ("echo 'scontrol: fatal: no configuration' >&2; exit 1", "no configuration"),
    ],
)
@pytest.mark.workflow
def test_a_controller_that_does_not_answer_is_one_line_at_once(toy, command, monkeypatch, script, words):
    command("scontrol", script)
    monkeypatch.setattr(cluster, "SECONDS", 1)
    with pytest.raises(ValueError, match=f"no Slurm controller: got .*{words}"):
        cluster.check_controller(["--profile", "slurm"])
    if "sleep" not in script:
        done = toy.snakemake("--profile", "slurm", check=False)
        assert done.returncode == 1
        assert [line for line in done.stderr.splitlines() if "no Slurm controller" in line]
        assert "Traceback" not in done.stderr


@pytest.mark.workflow
def test_jobs_of_a_killed_run_that_still_live_are_named(toy, command):
    (toy.root / "wait").touch()
    command("squeue", f"echo '{toy.root}|42|RUNNING|rule_toy_draw'; echo '/elsewhere|43|RUNNING|rule_other'")
    run = toy.start()
    logs = toy.root / "results/smoke/toy/logs"
    wait_for(lambda: logs.is_dir() and {file.name for file in logs.iterdir()} >= {"draw_0.log", "draw_1.log"})
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    try:
        done = toy.snakemake(check=False)
        assert done.returncode == 1
        (line,) = [line for line in done.stderr.splitlines() if "a run is going on in this folder" in line]
        assert "Slurm job 42 (rule_toy_draw, running)" in line
        assert line.count("draw.py") == 2
        assert "43" not in line
        assert "type the same command again; do not unlock" in done.stderr
    finally:
        (toy.root / "wait").unlink()
    toy_is_free = ["flock", "--nonblock", str(toy.root / ".snakemake/alive"), "true"]
    wait_for(lambda: subprocess.run(toy_is_free).returncode == 0)
    toy.snakemake()


@pytest.mark.workflow
def test_a_failure_is_told_in_few_lines(toy):
    toy.edit("src/lib/toy/averages.py", "values.mean()", "values.meen()")
    done = toy.snakemake(check=False)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: toy_gather_means: AttributeError: ")
    assert line.endswith("(results/smoke/toy/logs/gather_means.log)")
    after = done.stderr.partition("RuleException")[2].splitlines()
    assert len(after) < 30
    assert "Traceback" not in done.stderr
