"""What the cluster profile makes of the rules; no Slurm is needed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib.atlas.evidence import plan as plans
from lib.atlas.workflow.internals import parts

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


def groups_of(plan: dict, slug: str, suffix: str) -> dict[str, list[str]]:
    """The groups in which the rules of a paper travel: all of them, or its figures and tables."""
    own = [name for name in plan["rules"] if name.startswith(f"{slug}_")]
    figures = set(plan["papers"][slug]["figures"])
    drawn = [name for name in own if figures & set(plan["rules"][name]["outputs"].values())]
    return parts(f"{slug}{suffix}", drawn if suffix else own)


@pytest.mark.parametrize(("scale", "suffix"), [("smoke", ""), ("laptop", "_figures")])
def test_short_jobs_travel_together(project, scale, suffix):
    """A paper's figures are one group, all of the paper is at smoke scale, and no group depends on itself."""
    said = planned_on_slurm(project, "--config", f"scale={scale}")
    plan = plans.read(project.root, scale, "results")
    rules = set(re.findall(r"^ *rule (\w+):", said, re.MULTILINE))
    expected = {"audit"}
    for slug in project.slugs():
        groups = groups_of(plan, slug, suffix)
        assert len(groups) < 6
        expected |= {group for group, names in groups.items() if len(names) > 1 and rules & set(names)}
    assert sorted(re.findall(r"Group job (\w+)", said)) == sorted(expected)
    alone = set(re.findall(r"^rule (\w+):", said, re.MULTILINE))
    assert (alone == {"all", "audit_paper"}) is (scale == "smoke")  # a paper's page is made beside Snakemake


@pytest.mark.parametrize("letters", [5, 30, 60, 150, 249])
def test_names_of_any_length_fit_a_file_system(letters):
    """Slurm's plugin names a folder after a group and the first five of its rules."""
    rules = [f"{number:02d}".ljust(letters, "x") for number in range(25)]
    groups = parts(rules[0][:-2], rules)
    assert [rule for names in groups.values() for rule in names] == rules
    for group, names in groups.items():
        folder = f"group_{group}_{'_'.join(names[:5])}{'_...' if len(names) > 5 else ''}"
        assert len(names) == 1 or len(folder) <= 255
    assert (len(groups) == 1) is (letters <= 30)


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
