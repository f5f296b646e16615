"""Rule files share one namespace, and no paper's file reaches another's."""

import pytest

from lib.atlas.evidence import plan as plans
from tests import rule_files
from tests.conftest import ROOT
from tests.workflow.test_reruns import second_paper

NAMES = "\nSEEDS = [99, 100]\nseed = name = run = size = 7\npaper = None\n"


def test_rule_files_are_read_as_python():
    papers, shared = rule_files.read(ROOT)
    own = rule_files.names(papers["mamba3"])
    assert {"MAMBA3_TASKS", "MAMBA3_TRACKING", "MAMBA3_LM_RUNS"} <= own.assigned
    assert {"paper", "gpus", "measured_elsewhere"} <= own.read
    common = set().union(*(rule_files.names(text).assigned for text in shared))
    assert {"PAPERS", "slug", "paper", "mem", "minutes", "refuse", "whole_machine"} <= common


def test_no_paper_reaches_another():
    papers, shared = rule_files.read(ROOT)
    assert len(papers) >= 10
    assert rule_files.collisions(papers, shared) == []


@pytest.mark.parametrize(
    ("addition", "sentence"),
    [
        ("SEEDS = [99, 100]", "mamba3 assigns SEEDS"),
        ("SEEDS: list = []", "mamba3 assigns SEEDS"),
        ("for seed in (1, 2):\n    print(seed)", "mamba3 assigns seed"),
        ("MAMBA3_ALL = [last := 1]", "mamba3 assigns last"),
        ("import numpy as expand", "mamba3 assigns expand"),
        ("from pathlib import Path as config", "mamba3 assigns config"),
        ("def mem(megabytes):\n    return 0", "mamba3 assigns mem"),
        ("class minutes:\n    pass", "mamba3 assigns minutes"),
        ("with open('x') as report:\n    pass", "mamba3 assigns report"),
        ("H_CHROMATIC_LARGEST = 3", "mamba3 assigns H_CHROMATIC_LARGEST, which another"),
        ("print(H_CHROMATIC_LARGEST)", "mamba3 reads H_CHROMATIC_LARGEST of another"),
        ("print([one + H_CHROMATIC_LARGEST for one in (1, 2)])", "mamba3 reads H_CHROMATIC_LARGEST of another"),
        ("MAMBA3_STORE = lambda wildcards: paper.store('x')", "mamba3 reads paper late"),
        ("MAMBA3_LATE = lambda wildcards: MAMBA3_TASKS", "mamba3 reads MAMBA3_TASKS late"),
        (
            "use rule stage as mamba3_x with:\n    input:\n        lambda wildcards: H_CHROMATIC_LARGEST,",
            "mamba3 reads H_CHROMATIC_LARGEST of another",
        ),
        ("rule mamba3_y:\n    params:\n        slug=lambda wildcards: slug,", "mamba3 reads slug late"),
    ],
)
def test_a_name_out_of_place_is_noticed(addition, sentence):
    papers, shared = rule_files.read(ROOT)
    papers["h_chromatic"] += "\nH_CHROMATIC_LARGEST = 2\n"
    papers["mamba3"] += f"\n{addition}\n"
    assert any(one.startswith(sentence) for one in rule_files.collisions(papers, shared))


@pytest.mark.workflow
def test_a_stray_name_changes_no_other_papers_plan(project):
    before = plans.read(project.root, "smoke", "results")
    rules = project.root / "workflow/rules/adaptive_data_analysis.smk"  # the first that is read
    rules.write_text(rules.read_text() + NAMES)
    assert plans.read(project.root, "smoke", "results") == before


@pytest.mark.workflow
def test_a_stray_name_makes_no_other_papers_job_stale(toy):
    second_paper(toy, "aardvark")  # read before the toy
    toy.snakemake()
    rules = toy.root / "workflow/rules/aardvark.smk"
    rules.write_text(rules.read_text() + NAMES)
    assert toy.planned() == set()
