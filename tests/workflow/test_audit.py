"""The audit as evidence: what is stale, missing or damaged is named, and a figure can be remade elsewhere."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest
import rocrate
import yaml

from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.check import check
from tests.conftest import ROOT, _copy

pytestmark = pytest.mark.workflow
TARGETS = {"t1", "t2", "t3", "histogram.svg", "means.csv"}


@pytest.fixture
def run(made):
    """The finished toy paper, in which a test may change things."""
    return made


@pytest.fixture(scope="module")
def plan(finished_toy):
    """What the unchanged tree would make."""
    return plans.read(finished_toy.root, "smoke", "results")


def found(run, plan=None, again=True) -> dict[str, str]:
    """Findings of the check, what to kind; a plan is given where the test changed results only."""
    plan = plan or plans.read(run.root, "smoke", "results")
    return {finding.what: finding.kind for finding in check(plan, run.root, run.root, again)[0]}


def test_a_finished_run_is_what_the_tree_would_make(run):
    done = run.python("lib.atlas", "check", "results/smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 claims, 2 figures and tables, 6 files: all as the working tree would make them" in done.stdout
    before = {p: p.read_bytes() for p in (run.root / "results").rglob("*") if p.is_file()}
    run.snakemake("audit")
    assert {p: p.read_bytes() for p in (run.root / "results").rglob("*") if p.is_file()} == before


def test_results_copied_into_another_clone_are_adopted(finished_toy, tmp_path):
    toy = _copy(tmp_path / "other", papers=False)
    for path in sorted((finished_toy.root / "results").rglob("*")):  # every copied file is as old as it likes
        target = toy.root / path.relative_to(finished_toy.root)
        target.mkdir(parents=True) if path.is_dir() else target.write_bytes(path.read_bytes())
    before = {path: path.read_bytes() for path in (toy.root / "results").rglob("*.zarr.zip")}
    os.utime(toy.root / "results/smoke/toy/means.zarr.zip", (0, 0))
    assert toy.planned() != set()
    assert toy.python("lib.atlas", "check", "results/smoke").returncode == 0
    toy.snakemake("--touch")
    assert toy.planned() == set()
    assert {path: path.read_bytes() for path in (toy.root / "results").rglob("*.zarr.zip")} == before


def test_runs_that_were_kept_since_make_the_audit_stale(run):
    assert run.python("lib.atlas", "keep", "results/smoke").returncode == 0
    file = run.root / "resources/measured/runs/smoke/toy.json"
    content = json.loads(file.read_text())
    content["runs"].append(content["runs"][0] | {"root_seed": 7})
    file.write_text(json.dumps(content))
    done = run.python("lib.atlas", "check", "results/smoke")
    assert done.returncode == 1
    assert "stale    audit claims.json: older than toy.json, on which it rests" in done.stdout
    run.snakemake("audit")
    assert found(run) == {}


def test_changed_code_makes_what_rests_on_it_stale(run):
    run.edit("src/lib/toy/averages.py", "values.mean()", "values.mean() + 1")
    done = run.python("lib.atlas", "check", "results/smoke")
    assert done.returncode == 1
    assert "stale    toy t1: means.zarr.zip: code of toy_gather_means changed" in done.stdout
    assert found(run) == {"t1": "stale", "t2": "stale", "t3": "stale", "means.csv": "stale"}


def test_changed_parameters_make_stale(run):
    run.edit("config/papers/toy.yaml", "plot: {bins: 20}", "plot: {bins: 21}")
    assert found(run) == {"histogram.svg": "stale"}
    run.edit("config/papers/toy.yaml", "draws: 200,", "draws: 100,")
    assert found(run) == dict.fromkeys(TARGETS, "stale")


def test_changed_pass_rules_are_noticed(run):
    run.edit("config/papers/toy.yaml", "below: -10", "below: 10")
    assert found(run) == {"t2": "unequal"}


def test_a_lost_store_a_flipped_bit_and_another_seed(run, plan):
    folder = run.root / "results/smoke/toy"
    whole = (folder / "means.zarr.zip").read_bytes()
    (folder / "means.zarr.zip").unlink()
    assert found(run, plan) == {"t1": "missing", "t2": "missing", "t3": "missing", "means.csv": "stale"}
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 1
    (folder / "means.zarr.zip").write_bytes(broken)
    assert set(found(run, plan).values()) == {"damaged", "stale"}
    (folder / "means.zarr.zip").write_bytes(whole)
    assert found(run, plan) == {}
    shutil.copy(folder / "draw_0.zarr.zip", folder / "draw_1.zarr.zip")
    assert found(run, plan) == dict.fromkeys(TARGETS, "stale")


def test_numbers_edited_by_hand_are_noticed(run, plan):
    folder = run.root / "results/smoke"
    claims = folder / "toy/claims.json"
    whole = claims.read_text()
    content = json.loads(whole)
    content["claims"][0]["quantities"]["mean"]["value"][0] += 1e-12
    claims.write_text(json.dumps(content))
    assert found(run, plan) == {"t1": "unequal"}
    content["claims"][1]["verdict"] = "reproduced"
    claims.write_text(json.dumps(content))
    assert found(run, plan, again=False) == {"t2": "unequal"}
    claims.write_text(whole)
    edits = (("tables/means.csv", "\n1,", "\n2,"), ("figures/histogram.svg", "number of draws", "numbers of draws"))
    for name, old, new in edits:
        path = folder / "toy" / name
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))
        assert found(run, plan) == {path.name: "damaged"}
        path.write_text(before)
    joined = folder / "audit/claims.json"
    joined.write_text(joined.read_text().replace('"not reproduced"', '"reproduced"'))
    assert found(run, plan) == {"claims.json": "unequal"}


def test_stores_of_one_rule_that_change_places_are_noticed(run, plan):
    folder = run.root / "results/smoke/toy"
    first, second = (folder / f"draw_{seed}.zarr.zip" for seed in (0, 1))
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    run.snakemake()  # everything that rests on them is made again, from what lies there
    findings, _ = check(plan, run.root, run.root)
    assert {finding.what for finding in findings} == TARGETS
    assert any('wildcards: made as {"seed": 1}, lies as {"seed": 0}' in finding.why for finding in findings)


def test_pages_and_tables_of_the_audit_are_made_again_and_compared(run, plan):
    folder = run.root / "results/smoke/audit"
    edits = [(f"{page}.html", "not reproduced", "reproduced") for page in ("index", "claims", "toy")]
    for name, old, new in [*edits, ("figures.html", "A bell", "A well"), ("claims.csv", "t1", "t9")]:
        before = (folder / name).read_text()
        (folder / name).write_text(before.replace(old, new))
        assert found(run, plan) == {name: "unequal"}
        (folder / name).unlink()
        assert found(run, plan) == {name: "missing"}
        (folder / name).write_text(before)
    assert found(run, plan) == {}


def test_a_raw_input_that_changed_is_noticed(run):
    data = run.root / "resources/lengths.csv"
    data.write_text("1.5\n")
    run.edit(
        "workflow/rules/toy.smk",
        '    output:\n        store=paper.store("means"),',
        '        lengths="resources/lengths.csv",\n    output:\n        store=paper.store("means"),',
    )
    run.edit("workflow/scripts/toy/gather_means.py", "xr.Dataset]) ->", "xr.Dataset], lengths) ->")
    run.snakemake()
    findings, _ = check(plans.read(run.root, "smoke", "results"), run.root, run.root)
    assert findings == []
    data.write_text("1.6\n")
    findings, _ = check(plans.read(run.root, "smoke", "results"), run.root, run.root)
    assert {finding.what for finding in findings} == {"t1", "t2", "t3", "means.csv"}
    assert all("the contents of lengths.csv changed" in finding.why for finding in findings)


def test_what_the_closing_block_of_a_script_does_counts(run):
    run.edit(
        "workflow/scripts/toy/draw.py", "run(draw, snakemake)", "run(lambda **names: 1.5 * draw(**names), snakemake)"
    )
    assert found(run) == dict.fromkeys(TARGETS, "stale")


def _rewrite(path: Path, **attributes) -> None:
    """Write a store again with other attributes, as somebody would who edits what it says of itself."""
    from lib.atlas.job import store

    dataset = store.read(path)
    record = dataset.attrs.pop("provenance")
    for key in ("digest", "attributes"):
        record.pop(key)
    for key, value in attributes.items():
        record.pop(key) if value is None else record.update({key: value})
    store.write(dataset, path, record)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"commit": None}, "its record has no commit"),
        ({"seed": 7}, "its record has a strange field seed"),
        ({"scale": "laptop"}, 'scale: made as "laptop", lies as "smoke"'),
        ({"code": None}, "its record has no code"),
    ],
)
def test_fields_of_a_record_removed_or_invented(run, plan, change, words):
    _rewrite(run.root / "results/smoke/toy/means.zarr.zip", **change)
    findings, _ = check(plan, run.root, run.root)
    assert {finding.what for finding in findings} == {"t1", "t2", "t3", "means.csv"}
    assert all(words in finding.why for finding in findings)


def test_status_counts_what_is_done_stale_missing_and_failed(run):
    done = run.python("lib.atlas", "status", "results/smoke")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split()[:6] == ["toy", "6", "0", "0", "0", "0"]
    run.edit("src/lib/toy/averages.py", "values.mean()", "values.meen()")
    assert run.snakemake(check=False).returncode == 1
    (run.root / "results/smoke/toy/tables/means.csv").unlink()
    done = run.python("lib.atlas", "status", "results/smoke", "--why")
    assert done.returncode == 3
    row = dict(zip(done.stdout.splitlines()[0].split(), done.stdout.splitlines()[1].split()))
    assert (row["done"], row["failed"]) == ("3", "1")
    assert "toy_gather_means failed: see its log" in done.stdout


def test_costs_and_claims_are_written_from_the_run(run):
    done = run.python("lib.atlas", "costs", "results/smoke", "--all")
    assert done.returncode == 0, done.stderr
    assert "toy_gather_means" in done.stdout
    assert "of processor time in 6 jobs" in (run.root / "results/smoke/audit/toy.html").read_text()
    done = run.python("lib.atlas", "claims", "results/smoke")
    files = ["docs/claims-smoke.md", "docs/claims-smoke/toy.md", "resources/measured/runs/smoke/toy.json"]
    assert done.stdout.splitlines() == files, done.stderr
    index, page = ((run.root / name).read_text() for name in files[:2])
    assert "| [`toy`](claims-smoke/toy.md) Means of Gaussian draws | 3 | 1 | 1 | 1 |" in index
    assert "> The mean is negative by far." in page
    assert "The paper: -10 (Theorem 2; from memory)." in page
    assert page.count("**not reproduced**") == 1
    shutil.move(run.root / "results/smoke/toy", run.root / "results/smoke/toys")
    stray = run.python("lib.atlas", "claims", "results/smoke")
    assert stray.returncode == 1
    assert "got claims of toys, expected some of config/papers" in stray.stderr


def test_numbers_in_prose_are_those_of_the_run(run):
    run.edit("config/papers/toy.yaml", "A bell around zero.", '"A bell around {t1.mean[seed 0]:.4f}."')
    run.edit("config/papers/toy.yaml", "scale: paper\n", "scale: paper\n    remarks: It was {t3.mean[seed 2]}.\n")
    run.snakemake()
    content = json.loads((run.root / "results/smoke/toy/claims.json").read_text())
    number = f"{content['claims'][0]['quantities']['mean']['value'][0]:.4f}"
    page = (run.root / "results/smoke/audit/toy.html").read_text()
    assert page.count(f"A bell around {number}.") == 3  # two texts beside images, and under the figure
    assert "It was (not measured at this scale)." in page
    assert run.python("lib.atlas", "check", "results/smoke").returncode == 0
    assert run.python("lib.atlas", "claims", "results/smoke").returncode == 0
    assert "It was (not measured at this scale)." in (run.root / "docs/claims-smoke/toy.md").read_text()
    run.snakemake("--report", "report.html")
    assert f"A bell around {number}." in (run.root / "report.html").read_text()
    run.edit("config/papers/toy.yaml", "{t1.mean[seed 0]:.4f}", "{t1.median}")
    done = run.snakemake(check=False)
    assert done.returncode == 1
    sentence = (
        "config/papers/toy.yaml: figures.histogram.caption: {t1.median}: claim t1 has no median, expected one of mean"
    )
    assert f"audit_paper: {sentence}" in done.stderr


def test_the_first_page_notes_the_last_check_and_the_last_comparison(run):
    page = run.root / "results/smoke/audit/index.html"
    assert "Last check: none since this page was made" in page.read_text()
    assert run.python("lib.atlas", "check", "results/smoke").returncode == 0
    assert re.search(r"Last check: .*passed.* UTC at commit .*3 claims, 2 figures and tables", page.read_text())
    assert run.python("lib.atlas", "check", "results/smoke").returncode == 0  # the page with its note is sound
    shutil.copytree(run.root / "results", run.root / "replica")
    assert run.python("lib.atlas", "compare", "results/smoke", "replica/smoke").returncode == 0
    assert re.search(r"second run: .*passed.*\(\d+ files: \d+ identical", page.read_text())
    assert run.python("lib.atlas", "check", "results/smoke").returncode == 0
    page.write_text(page.read_text().replace("passed", "PASSED"))
    forged = page.read_text()
    assert run.python("lib.atlas", "check", "results/smoke").returncode == 1
    assert page.read_text() == forged  # a page that is not sound is not mended by checking it


@pytest.mark.parametrize(
    ("old", "new"), [('"good": true', '"good": 1'), ('"words": "', '"words": "<b>'), ('"check"', '"checked"')]
)
def test_invented_notes_are_refused(run, plan, old, new):
    page = run.root / "results/smoke/audit/index.html"
    assert run.python("lib.atlas", "check", "results/smoke").returncode == 0
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new))
    assert found(run, plan) == {"index.html": "missing"}


def test_the_first_page_names_what_changed_against_the_kept_verdicts(run):
    page = run.root / "results/smoke/audit/index.html"
    assert "keeps no verdicts of smoke scale" in page.read_text()
    assert run.python("lib.atlas", "claims", "results/smoke").returncode == 0
    assert "Every verdict is the one that is kept" in page.read_text()
    assert "audit_index" in run.planned()  # it has documents to compare with now
    run.snakemake()
    document = run.root / "docs/claims-smoke/toy.md"
    text = document.read_text()
    document.write_text(text.replace("t2: **not reproduced**", "t2: reproduced").replace("## t3", "## t4"))
    assert found(run) == {"index.html": "stale"}
    run.snakemake()
    assert re.findall(r"toy (t\d)</a>: (was reproduced|is not among them)", page.read_text()) == [
        ("t2", "was reproduced"), ("t3", "is not among them"),
    ]  # fmt: skip


def test_one_claim_is_made_again_from_nothing(run):
    done = run.python("lib.atlas", "remake", "toy", "t2", "--scale", "smoke", "--cores", "1")
    assert done.returncode == 0, done.stderr
    assert "toy t2: not reproduced" in done.stdout
    assert "results/smoke/toy/claims.json: not reproduced, the same numbers" in done.stdout
    made = {path.name for path in (run.root / "build/remake/smoke/toy").iterdir() if path.is_file()}
    assert made == {"draw_0.zarr.zip", "draw_1.zarr.zip", "means.zarr.zip"}
    page = (run.root / "results/smoke/audit/toy.html").read_text()
    assert re.search(r"remake toy t2 --scale smoke</code> <span[^>]*>\d+ s of processor time", page)
    wrong = run.python("lib.atlas", "remake", "toy", "t22")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "claim of toy: got t22, expected one of t1, t2, t3 (did you mean t2?)" in wrong.stderr


def test_the_data_of_a_figure_are_on_its_page(run):
    page = (run.root / "results/smoke/audit/toy.html").read_text()
    (text,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)" download="toy_histogram.csv"', page)
    lines = unquote(text).splitlines()
    assert lines[0].startswith("# panel a: ")
    assert lines[1] == "panel,mark,series,x,y,low,high,value"
    counts = [float(line.split(",")[4]) for line in lines[2:] if line.startswith("a,bar")]
    assert len(counts) == 20
    assert sum(counts) == 400  # two seeds of 200 draws


def test_the_crate_is_read_back_and_tells_the_lineage(run, tmp_path):
    from rocrate.rocrate import ROCrate

    done = run.python("lib.atlas", "crate", "results/smoke", str(tmp_path / "crate.zip"))
    assert done.returncode == 0, done.stderr
    crate = ROCrate(tmp_path / "crate.zip")
    assert crate.mainEntity.id == "Snakefile"
    makes = {action["result"].id: action for action in crate.get_by_type("CreateAction") if action.id != "#run"}
    folder = "results/smoke/toy"
    figure = makes[f"{folder}/figures/histogram.svg"]
    assert figure["instrument"].id == "workflow/scripts/toy/histogram.py"
    files = {one.id for one in figure["object"] if "File" in one.type}
    assert files == {f"{folder}/draw_{seed}.zarr.zip" for seed in (0, 1)}
    values = {one["name"]: one["value"] for one in makes[f"{folder}/draw_0.zarr.zip"]["object"]}
    assert values["draws"] == 200
    assert values["wildcard seed"] == 0
    reviews = {review["itemReviewed"]["name"]: review for review in crate.get_by_type("ClaimReview")}
    assert {name: review["reviewRating"]["alternateName"] for name, review in reviews.items()} == {
        "t1": "reproduced", "t2": "not reproduced", "t3": "not tested at this scale",
    }  # fmt: skip
    assert f"{folder}/means.zarr.zip" in {one.id for one in reviews["t1"]["isBasedOn"]}
    with zipfile.ZipFile(tmp_path / "crate.zip") as file:
        there = set(file.namelist())
        for entity in crate.get_by_type("File"):
            assert entity.id in there
            if "sha256" in entity.properties():
                assert hashlib.sha256(file.read(entity.id)).hexdigest() == entity["sha256"]


def crate_failures(crate: Path) -> list[tuple[str, str]]:
    """Entity and message of each requirement of the profiles that a crate breaks, by roc-validator."""
    python = ROOT / ".cache/validator/bin/python"
    if not python.exists():
        pytest.skip("no validator of crates: make env-validator")
    context = Path(rocrate.__file__).parent / "data/ro-crate.jsonld"
    command = [python, "tests/workflow/validate_crate.py", crate, context]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    issues = json.loads(done.stdout)
    return [(issue["entity"], issue["message"]) for issue in issues if issue["severity"] == "REQUIRED"]


def test_crate_and_archive_keep_every_requirement_of_their_profiles(run, tmp_path):
    run.python("lib.atlas", "crate", "results/smoke", str(tmp_path / "crate"))
    assert crate_failures(tmp_path / "crate") == []
    run.python("lib.atlas", "archive", "toy_means", "--scale", "smoke", "--to", str(tmp_path / "means.zip"))
    with zipfile.ZipFile(tmp_path / "means.zip") as file:
        file.extractall(tmp_path / "archive")
    assert crate_failures(tmp_path / "archive") == []
    # what the validator would say: a file that is not where the crate names it, and profiles of two versions
    (tmp_path / "archive/expected/means.csv").rename(tmp_path / "archive/means.csv")
    assert any("means.csv" in entity + message for entity, message in crate_failures(tmp_path / "archive"))
    metadata = tmp_path / "crate/ro-crate-metadata.json"
    mixed = metadata.read_text().replace(
        '"@id": "https://w3id.org/ro/crate/1.1"', '"@id": "https://w3id.org/ro/crate/1.3"'
    )
    metadata.write_text(mixed)
    assert crate_failures(tmp_path / "crate") != []


def test_an_archive_describes_each_of_its_files(run, tmp_path):
    run.python("lib.atlas", "archive", "toy_means", "--scale", "smoke", "--to", str(tmp_path / "means.zip"))
    with zipfile.ZipFile(tmp_path / "means.zip") as file:
        contents = {name: file.read(name) for name in file.namelist()}
    graph = json.loads(contents.pop("ro-crate-metadata.json"))["@graph"]
    files = {entity["@id"]: entity for entity in graph if "File" in entity["@type"]}
    assert set(files) == set(contents)
    described = {name: entity["sha256"] for name, entity in files.items() if "sha256" in entity}
    assert described == {name: hashlib.sha256(contents[name]).hexdigest() for name in described}
    assert set(files) - set(described) == {"README.md", "archive.json"}


def commit(root: Path) -> None:
    """Make a tree a git repository at a commit, with results ignored."""
    (root / ".gitignore").write_text("results/\nbuild/\n.snakemake/\n.cache/\n__pycache__/\n")
    git = ["git", "-C", str(root), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *arguments], check=True)


def test_a_release_passes_its_check_elsewhere(run, tmp_path):
    from tests.conftest import Copy

    target = ["release", "results/smoke", "--to", str(tmp_path / "release.zip")]
    refused = run.python("lib.atlas", *target)
    assert refused.returncode == 1
    assert "not a git repository" in refused.stderr
    shutil.copy(ROOT / "requirements.lock", run.root)
    commit(run.root)
    (run.root / "results/smoke/.hidden").touch()
    done = run.python("lib.atlas", *target)
    assert done.returncode == 0, done.stderr
    elsewhere = Copy(tmp_path / "elsewhere")
    with zipfile.ZipFile(tmp_path / "release.zip") as file:
        names = file.namelist()
        file.extractall(elsewhere.root)
    assert {"requirements.lock", "RELEASE.md", "ro-crate-metadata.json", "results/smoke/audit/index.html"} <= set(names)
    assert not [name for name in names if "/logs/" in name or "/." in name]
    graph = json.loads((elsewhere.root / "ro-crate-metadata.json").read_text())["@graph"]
    files = {entity["@id"]: entity for entity in graph if "File" in entity["@type"]}
    assert set(files) | {"ro-crate-metadata.json"} == set(names)
    for name in set(files) - {"RELEASE.md"}:
        assert hashlib.sha256((elsewhere.root / name).read_bytes()).hexdigest() == files[name]["sha256"]
    assert crate_failures(elsewhere.root) == []
    checked = elsewhere.python("lib.atlas", "check", "results/smoke")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "all as the working tree would make them" in checked.stdout
    page = elsewhere.root / "results/smoke/audit/index.html"
    page.write_text(page.read_text().replace("not reproduced", "reproduced"))
    assert elsewhere.python("lib.atlas", "check", "results/smoke").returncode == 1
    run.edit("config/papers/toy.yaml", "below: -10", "below: -11")
    assert "changes that are not committed" in run.python("lib.atlas", *target).stderr
    commit(run.root)
    assert "a release passes its own check" in run.python("lib.atlas", *target).stderr


def test_a_draft_of_codecheck_has_the_fields_of_the_specification(run):
    done = run.python("lib.atlas", "codecheck", "results/smoke", "toy", "--to", str(run.root / "codecheck.yml"))
    assert done.returncode == 0, done.stderr
    text = (run.root / "codecheck.yml").read_text(encoding="utf-8")
    assert text.startswith("%YAML 1.1\n---\n")
    content = yaml.safe_load(text)
    assert content["version"] == "https://codecheck.org.uk/spec/config/2.0/"
    assert len(content["manifest"]) == 3
    assert all((run.root / entry["file"]).is_file() for entry in content["manifest"])
    assert set(content["paper"]) == {"title", "authors", "reference"}
    assert content["paper"]["reference"].startswith("https://arxiv.org/abs/")
    assert {"codechecker", "report", "summary", "certificate"} <= set(content)
    assert content["summary"].startswith("Not checked yet.")
    assert "3 claims, 1 reproduced, 1 not reproduced, 1 not tested at this scale" in content["summary"]
    people = [*content["paper"]["authors"], *content["codechecker"]]
    left_open = [*(one["ORCID"] for one in people), content["codechecker"][0]["name"]]
    left_open += [content[key] for key in ("report", "repository", "check_time", "certificate")]
    assert all(value.startswith("OPEN: ") for value in left_open)
    assert f"3 files to make again, {len(left_open)} fields left open" in done.stdout
    unknown = run.python("lib.atlas", "codecheck", "results/smoke", "others")
    assert "expected one of toy" in unknown.stderr
    run.edit("config/papers/toy.yaml", "draws: 200,", "draws: 100,")
    assert "made with 200, now 100" in run.python("lib.atlas", "codecheck", "results/smoke", "toy").stderr


def test_stale_results_make_no_crate(run, tmp_path):
    run.edit("config/papers/toy.yaml", "draws: 200,", "draws: 100,")
    done = run.python("lib.atlas", "crate", "results/smoke", str(tmp_path / "crate.zip"))
    assert done.returncode == 1
    assert "made with 200, now 100" in done.stderr
    assert not (tmp_path / "crate.zip").exists()


def test_an_archive_remakes_its_figure_in_an_empty_folder(run, tmp_path):
    from tests.conftest import Copy

    done = run.python("lib.atlas", "archive", "toy_means", "--scale", "smoke", "--to", str(tmp_path / "means.zip"))
    assert done.returncode == 0, done.stderr
    empty = tmp_path / "empty"
    with zipfile.ZipFile(tmp_path / "means.zip") as file:
        file.extractall(empty)
    inside = {p.relative_to(empty).as_posix() for p in empty.rglob("*.py")}
    assert {name for name in inside if "toy" in name} == {
        "src/lib/toy/__init__.py", "src/lib/toy/averages.py", "src/lib/toy/numbers.py",
        "workflow/scripts/toy/draw.py", "workflow/scripts/toy/gather_means.py", "workflow/scripts/toy/means.py",
    }  # fmt: skip
    elsewhere = Copy(empty)
    made, expected = empty / "results/smoke/toy/tables/means.csv", (empty / "expected/means.csv").read_bytes()
    assert not made.exists()
    assert elsewhere.planned("toy_means") == {"toy_means"}
    elsewhere.snakemake("toy_means", "--forceall")
    assert made.read_bytes() == expected
    wrong = run.python("lib.atlas", "archive", "toy", "--scale", "smoke")
    assert wrong.returncode == 1
    assert "expected one of toy_histogram, toy_means" in wrong.stderr


def test_paths_of_modules_are_files():
    from lib.atlas.evidence.crate import code_of

    root = Path(__file__).parents[2]
    for script in (root / "workflow/scripts/quadratic_network").glob("*.py"):
        assert all(path.is_file() for path in code_of([script], root))


def test_the_report_holds_the_pages_and_all_that_they_link_to(run, tmp_path):
    done = run.python("lib.atlas", "report", "results/smoke")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(run.root / "results/smoke/report.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    folder = tmp_path / "elsewhere/report"
    assert 'href=\\"audit/index.html\\"' in (folder / "report.html").read_text()
    pages = sorted((folder / "audit").glob("*.html"))
    assert [page.name for page in pages] == ["claims.html", "figures.html", "index.html", "toy.html"]
    for page in [folder / "index.html", *pages]:
        links = re.findall(r'(?:href|src)="(?!data:|https:|#)([^"#]+)', page.read_text())
        assert links
        assert [link for link in links if not (page.parent / link).is_file()] == []
    assert "../toy/figures/histogram.png" in (folder / "audit/toy.html").read_text()
    shutil.rmtree(run.root / "results/smoke/audit")
    empty = run.python("lib.atlas", "report", "results/smoke")
    assert (empty.returncode, empty.stderr.count("\n")) == (1, 1)
    assert "got no audit, expected a finished run" in empty.stderr


def test_another_picture_beside_a_figure_is_noticed(run, plan):
    picture = run.root / "results/smoke/toy/figures/histogram.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.write_bytes(picture.read_bytes() + b" ")
    assert found(run, plan) == {"histogram.svg": "damaged"}
    picture.unlink()
    assert found(run, plan) == {"histogram.svg": "damaged"}
    run.snakemake()
    assert found(run, plan) == {}
