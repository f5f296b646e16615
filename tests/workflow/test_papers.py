"""Every real paper at smoke scale, the audit of it, and what a browser shows."""

import json
import os
import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.conftest import expect_identical, sampled

pytestmark = pytest.mark.workflow
# data that only another configuration, or a stage of their own, asks for
OPTIONAL = {"cogvideox", "wan", "count_table", "labelled_table", "action_table", "private_table", "environment_table"}
OPTIONAL |= {"offline_data", "feature_table", "edge_list", "design_table", "design_matrix", "labelled_features"}
OPTIONAL |= {"pretrained_classifier", "photographs", "image_archive", "intervention_table"}
OPTIONAL |= {"class_conditional_model", "labelled_images"}


@pytest.fixture(scope="module")
def run(smoke_run):
    """The whole workflow at smoke scale, with its report."""
    if not (smoke_run.root / "results/smoke/report.zip").exists():
        assert smoke_run.python("lib.atlas", "report", "results/smoke").returncode == 0
    return smoke_run


def test_every_claim_is_in_the_audit_with_its_lineage(run):
    audit = json.loads((run.root / "results/smoke/audit/claims.json").read_text())
    assert {paper["slug"] for paper in audit["papers"]} == run.slugs()
    for paper in audit["papers"]:
        assert paper["claims"]
        for claim in paper["claims"]:
            assert claim["verdict"] in ("reproduced", "not reproduced", "not tested at this scale")
            for source in claim["sources"]:
                assert len(source["digest"]) == 16
                assert len(source["code"]) == 16


@pytest.mark.slow
def test_a_second_run_in_another_place_is_identical(run, project, capsys):
    papers = sampled(run.slugs())
    with capsys.disabled():
        print(f"\n{len(papers)} of {len(run.slugs())} papers a second time: {', '.join(papers)}")
    project.snakemake(*papers)
    for slug in papers:
        expect_identical(run.root / "results/smoke" / slug, project.root / "results/smoke" / slug)


def test_the_check_measures_every_claim_again_and_finds_nothing(run):
    done = run.python("lib.atlas", "check", "results/smoke")
    assert done.returncode == 0, done.stdout + done.stderr


def test_figures_are_small_and_say_what_they_come_from(run):
    from lib.atlas.job.figure import description

    figures = list((run.root / "results/smoke").rglob("figures/*.svg"))
    assert len(figures) >= 12
    for path in figures:
        assert path.stat().st_size < 1_000_000
        assert description(path)["code"]


def test_rules_read_as_a_table_of_contents(run):
    done = run.snakemake("--list-rules")
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert len(lines) > 30
    assert all("(" in line for line in lines), lines


def _data(run) -> dict[str, dict]:
    """What the papers ask a user to supply, by key."""
    specs = [yaml.safe_load(file.read_text()) for file in sorted((run.root / "config/papers").glob("*.yaml"))]
    return {key: entry for spec in specs for key, entry in spec.get("data", {}).items()}


@pytest.mark.parametrize("scale", ["laptop", "medium", "paper"])
def test_every_scale_is_configured(run, scale, tmp_path):
    started = time.monotonic()
    supplied = tmp_path / "supplied"
    supplied.touch()  # a dry run asks only whether the user's data exist
    given = {key: str(supplied) for key in _data(run)}
    run.snakemake("--dry-run", "--quiet", "--config", f"scale={scale}", f"data={json.dumps(given)}")
    print(f"dry run at {scale}: {time.monotonic() - started:.1f} s")


def test_paper_scale_answers_without_any_data(run):
    """A dry run names all that is missing, plans the rest, and asks for no data where they are not read."""
    done = run.snakemake("--dry-run", "--config", "scale=paper")
    for key, entry in _data(run).items():
        if key not in OPTIONAL:
            assert f"  {key} (" in done.stderr
            assert " ".join(entry["published"].split()) in done.stderr
    planned = set(re.findall(r"^rule (\w+):", done.stdout + done.stderr, re.MULTILINE))
    assert {f"{slug}_measure_claims" for slug in run.slugs()} <= planned
    assert "almost_linear_rnn_load_ecg" not in planned
    assert "needs data" not in run.snakemake("--dry-run", "--config", "scale=laptop").stderr


@pytest.mark.browser
def test_audit_and_report_open_in_a_browser(run, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        assert not os.environ.get("CI"), "continuous integration installs Chromium"
        pytest.skip("no Chromium on this machine")

    def opened(page: Path, *more: str):
        return subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}",
             "--virtual-time-budget=8000", *more, page.as_uri()],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    folder = run.root / "results/smoke/audit"
    audit = json.loads((folder / "claims.json").read_text())
    index, table = (opened(folder / name, "--dump-dom").stdout for name in ("index.html", "claims.html"))
    assert (folder / "index.html").stat().st_size < 300_000
    for paper in audit["papers"]:
        done = opened(folder / f"{paper['slug']}.html", "--dump-dom", "--enable-logging=stderr")
        assert not re.findall(r":CONSOLE.*", done.stderr)
        for claim in paper["claims"]:
            place = f"{paper['slug']}.html#{claim['id']}"
            assert f'href="{place}"' in index
            assert f'href="{place}"' in table
            assert f'id="{claim["id"]}"' in done.stdout
        pictures = re.findall(r'<img[^>]* src="([^"]+)"[^>]* alt="([^"]+)"', done.stdout)
        assert pictures
        assert all((folder / source).is_file() for source, _ in pictures)
    picture = tmp_path / "audit.png"
    opened(folder / "index.html", f"--screenshot={picture}", "--window-size=1200,1600")
    assert picture.stat().st_size > 50_000
    with zipfile.ZipFile(run.root / "results/smoke/report.zip") as archive:
        archive.extractall(tmp_path)
    report = opened(tmp_path / "report/report.html", "--dump-dom").stdout
    assert "Bayes-optimal learning" in report
    assert 'href="audit/index.html"' in report
    assert "Papers and claims" in opened(tmp_path / "report/audit/index.html", "--dump-dom").stdout
