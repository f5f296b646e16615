"""Other root seeds and other machines: which verdicts turn, in runs of the toy paper."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from lib.atlas.__main__ import main
from lib.atlas.evidence.check import check
from lib.atlas.evidence.plan import read
from lib.atlas.job.seeds import generator
from tests.conftest import Copy, _copy, wait_for

pytestmark = pytest.mark.workflow
BOUND, SEEDS = -0.02, (0, 1, 2)
KEPT = "resources/measured/runs/smoke/toy.json"


def smallest_mean(root_seed: int) -> float:
    """The smaller mean of the two series that the toy paper draws, without the workflow."""
    draws = [generator(root_seed, "toy", "draw", {"seed": seed}).standard_normal(200) for seed in (0, 1)]
    return float(min(np.mean(one) for one in draws))


def stability(toy: Copy, *arguments: str) -> subprocess.CompletedProcess:
    return toy.python("lib.atlas", "stability", "--scale", "smoke", "--cores", "2", *arguments)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The toy paper under three root seeds, with a rule that one of them passes, and its audit."""
    toy = _copy(tmp_path_factory.mktemp("stable") / "atlas", papers=False)
    toy.edit(
        "config/papers/toy.yaml", "[{quantity: mean, between: [-0.5, 0.5]}]", f"[{{quantity: mean, above: {BOUND}}}]"
    )
    done = stability(toy, "--seeds", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    toy.snakemake()
    return toy, done


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it in which a test may change things."""
    return finished[0].again(tmp_path / "atlas")


def kept(toy: Copy) -> list[dict]:
    return json.loads((toy.root / KEPT).read_text())["runs"]


def test_the_runs_are_those_of_their_seeds_and_the_verdict_turns(finished):
    toy, done = finished
    runs = kept(toy)
    assert [run["root_seed"] for run in runs] == list(SEEDS)
    expected = {seed: smallest_mean(seed) for seed in SEEDS}
    for run in runs:
        claim = run["claims"]["t1"]
        assert min(claim["quantities"]["mean"]["value"]) == pytest.approx(expected[run["root_seed"]], abs=1e-15)
        assert claim["verdict"] == ("reproduced" if expected[run["root_seed"]] > BOUND else "not reproduced")
    held = sum(value > BOUND for value in expected.values())
    assert 0 < held < 3
    assert f"turning: t1 ({held} of 3 reproduced)" in done.stdout
    document = (toy.root / "docs/stability.md").read_text()
    assert f"| t1 | **turns**: {held} reproduced, {3 - held} not reproduced |" in document
    assert f"{min(expected.values()):.3g} to {max(expected.values()):.3g}" in document
    assert "| t2 | not reproduced in all 3 |" in document
    assert "t3" not in document  # not judged at this scale


def test_every_table_of_the_audit_carries_the_mark(finished):
    toy, _ = finished
    audit = toy.root / "results/smoke/audit"
    words = "reproduced in 1 of 3 runs (root seeds 0 to 2): the verdict turns"
    assert words in (audit / "claims.csv").read_text()
    for page in ("index", "claims", "toy"):
        assert (audit / f"{page}.html").read_text().count(f'title="{words}">⇄ verdict turns') >= 1
    assert 'class="cell failed turns"' in (audit / "index.html").read_text()
    assert '<svg class="trend"' in (audit / "toy.html").read_text()
    done = toy.python("lib.atlas", "claims", "results/smoke")
    assert KEPT in done.stdout.splitlines()
    assert f"## Verdicts that turn - [`toy` t1](claims-smoke/toy.md): {words}" in " ".join(
        (toy.root / "docs/claims-smoke.md").read_text().split()
    )
    assert "**the verdict turns**" in " ".join((toy.root / "docs/claims-smoke/toy.md").read_text().split())
    findings, _ = check(read(toy.root, "smoke", "results"), toy.root, toy.root)
    assert findings == []


def test_the_same_command_again_makes_nothing(run):
    before = {path: path.stat().st_mtime_ns for path in run.root.glob("results*/**/*.zarr.zip")}
    assert len(before) == 9
    done = stability(run, "--seeds", "3")
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in run.root.glob("results*/**/*.zarr.zip")} == before
    assert len(kept(run)) == 3


def test_runs_of_an_earlier_rule_say_so(run):
    run.edit("config/papers/toy.yaml", f"above: {BOUND}", "above: -1")
    run.snakemake("results/smoke/audit/claims.csv")
    assert "measured with an earlier rule" in (run.root / "results/smoke/audit/claims.csv").read_text()
    run.edit("config/papers/toy.yaml", "above: -1", f"above: {BOUND}")
    run.edit("workflow/scripts/toy/claims.py", '"""Means near zero."""', '"""Means."""\n    # a comment')
    run.snakemake("results/smoke/audit/claims.csv")
    assert "measured with" not in (run.root / "results/smoke/audit/claims.csv").read_text()
    run.edit("workflow/scripts/toy/claims.py", "# a comment\n    return _means(means)", "return dict(_means(means))")
    run.snakemake("results/smoke/audit/claims.csv")
    lines = (run.root / "results/smoke/audit/claims.csv").read_text().splitlines()
    earlier = [line.split(",")[1] for line in lines if "measured with earlier code" in line]
    assert earlier == ["t1"]  # the functions of the others are what they were


def test_a_killed_run_carries_on(run):
    (run.root / "wait").touch()  # draws wait for as long as it is there
    shutil.rmtree(run.root / "results-seeds/2")
    command = [sys.executable, "-m", "lib.atlas", "stability", "--scale", "smoke", "--seeds", "3", "--cores", "2"]
    path = os.pathsep.join([str(run.root / "src"), str(run.root)])
    process = subprocess.Popen(
        command, cwd=run.root, env=run.environment() | {"PYTHONPATH": path}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: list((run.root / "results-seeds/2").rglob("draw_*.log")), what="a job that waits")
    refused = stability(run, "--seeds", "3")
    assert refused.stderr.splitlines() == [
        "linear atlas: a run is at work in this folder; wait until it ends, then type the same command"
    ]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (run.root / "wait").unlink()
    done = stability(run, "--seeds", "3")
    assert done.returncode == 0, done.stderr
    assert len(list((run.root / "results-seeds/2").rglob("*.zarr.zip"))) == 3


def test_a_seed_under_which_a_stage_fails_is_named_and_the_others_count(run):
    largest = max(SEEDS, key=smallest_mean)
    limit = sorted(map(smallest_mean, SEEDS))[1]
    line = "    averages = [average(item.x.values) for item in draws]\n"
    line += f'    if min(averages) > {limit}:\n        raise ValueError("the mean is too large")\n'
    run.edit(
        "workflow/scripts/toy/gather_means.py", '    """Return `mean: (seed,)`."""\n', f'    """Return."""\n{line}'
    )
    done = stability(run, "--seeds", "3")
    assert done.returncode == 1
    assert f"toy, root seed {largest}: no verdicts (gather_means: ValueError: the mean is too large)" in done.stderr
    assert "2 of 2 claims have the same verdict in all runs" in done.stdout
    assert f"- Root seed {largest}: no verdicts" in (run.root / "docs/stability.md").read_text()


def test_what_no_seed_enters_is_copied_and_what_is_stale_is_taken_away(run):
    run.edit(
        "workflow/scripts/toy/draw.py",
        "gaussian(rng, draws, spread)",
        "gaussian(np.random.default_rng(7), draws, spread)",
    )
    run.edit("workflow/scripts/toy/draw.py", "import xarray as xr", "import numpy as np\nimport xarray as xr")
    run.edit("workflow/scripts/toy/draw.py", "spread: float, rng)", "spread: float)")
    run.edit(
        "workflow/rules/toy.smk",
        '        **paper.script("draw"),\n        root_seed=paper.root_seed,',
        '        **paper.script("draw"),',
    )
    done = stability(run, "--seeds", "2")
    assert done.returncode == 0, done.stderr
    assert "toy, root seed 1 (2 of 2): 3 stores into which no seed enters are copied" in done.stdout
    stores = sorted(path.name for path in (run.root / "results/smoke/toy").glob("*.zarr.zip"))
    for name in stores:
        first, second = (run.root / folder / "smoke/toy" / name for folder in ("results", "results-seeds/1"))
        assert first.read_bytes() == second.read_bytes()
    assert "no root seed enters" in (run.root / "docs/stability.md").read_text()
    run.edit("src/lib/toy/averages.py", "values.mean()", "values.mean() + 1")  # the copies are stale
    done = stability(run, "--seeds", "2")
    assert "1 stores into which no seed enters are copied" in done.stdout
    assert [one["claims"]["t1"]["quantities"]["mean"]["value"][0] > 0.5 for one in kept(run)] == [True, True]


def test_results_from_another_machine_are_in_the_same_table(run, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(run.root / "results/smoke", elsewhere / "smoke")
    done = stability(run, "--first", str(elsewhere))
    assert "has the root seed and processor of another of these runs" in done.stdout
    file = elsewhere / "smoke/toy/claims.json"
    content = json.loads(file.read_text())
    content["provenance"]["machine"]["processor"] = "an abacus"
    content["claims"][1]["verdict"] = "reproduced"
    file.write_text(json.dumps(content))
    done = stability(run, "--first", str(elsewhere))
    assert done.returncode == 0, done.stderr
    document = (run.root / "docs/stability.md").read_text()
    assert "an abacus" in document
    assert "| t2 | **turns**: 1 reproduced, 3 not reproduced |" in document
    assert stability(run, "--first", str(tmp_path)).stderr.count("\n") == 1


def test_another_scale_is_shown_once_it_is_kept(run):
    run.snakemake("results/laptop/toy/claims.json", scale="laptop")
    page = run.root / "results/smoke/audit/toy.html"
    assert "laptop" not in page.read_text()
    done = run.python("lib.atlas", "keep", "results/laptop")
    assert done.stdout.splitlines() == ["resources/measured/runs/laptop/toy.json"], done.stderr
    assert run.planned() == {
        "audit_gather",
        "audit_paper",
        "audit_table",
        "audit_index",
        "audit_search",
        "audit_gallery",
    }
    run.snakemake()
    assert ">laptop</text>" in page.read_text()
    assert "laptop: " in (run.root / "results/smoke/audit/claims.csv").read_text()
    findings, _ = check(read(run.root, "smoke", "results"), run.root, run.root)
    assert findings == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--papers", "nobody"], "PAPERS: got 'nobody', expected some of adaptive_data_analysis"),
        (["--seeds", "1"], "SEEDS: got '1', expected a whole number of at least 2"),
        (["--seeds", "few"], "SEEDS: got 'few', expected a whole number of at least 2"),
        (["--scale", "huge"], "SCALE: got 'huge', expected one of smoke, laptop, medium, paper"),
        (["--cores", "0"], "CORES: got '0', expected a whole number of at least 1"),
        (["--first", "/nowhere"], "got no claims of any paper"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(capsys, arguments, words):
    assert main(["stability", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
