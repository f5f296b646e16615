"""A mistake in the configuration is one line that names file, key, what came and what was expected."""

import json

import pytest

from lib.atlas.workflow.config import ConfigError, check_file, load_config, load_paper, load_yaml

pytestmark = pytest.mark.workflow

PAPER = "config/papers/toy.yaml"
MISTAKES = [
    (PAPER, "spread: 1.0", "spread: -1.0", ["draw.spread", "-1.0", "more than 0"]),
    (PAPER, "spread: 1.0", "spread: wide", ["draw.spread", '"wide"', "a number"]),
    (PAPER, "spread: 1.0", "spread: 1e0", ["draw.spread", '"1e0"', "1.0"]),
    (PAPER, "spread: 1.0, ", "", ["draw.spread", "nothing", "a number"]),
    (PAPER, "spread: 1.0", "spread: 1.0, sprad: 2", ["draw.sprad", "unknown key", "spread"]),
    (PAPER, "draws: 200,", "drwas: 200,", ["smoke.draw.drwas", "laptop does not have", "draws"]),
    (PAPER, "seeds: [0, 1]}", "seeds: [0, 0]}", ["draw.seeds", "without repeats"]),
    (PAPER, "seeds: [0, 1]}", "seeds: 3}", ["draw.seeds", "3", "a list"]),
    (PAPER, "seeds: [0, 1]}", "seeds: [0, x]}", ["draw.seeds.1", '"x"', "an integer"]),
    (PAPER, "year: 2024", "year: next", ["paper.year", '"next"', "an integer"]),
    (PAPER, "year: 2024", "yaer: 2024", ["paper.yaer", "unknown key", "year"]),  # codespell:ignore
    (PAPER, "known_from: from memory", "known_from: hearsay", ["claims.1.known_from", "hearsay", "from memory"]),
    (PAPER, "between: [-0.5, 0.5]", "between: [-0.5]", ["claims.0.pass.0.between", "at least 2"]),
    (PAPER, "below: -10", "blow: -10", ["claims.1.pass.0.blow", "unknown key", "below"]),
    (PAPER, "id: t2", "id: t1", ["claims.1.id", "second time"]),
    (PAPER, "claims: [t1]}", "claims: [t9]}", ["figures.histogram.claims", "t9", "t1"]),
    (PAPER, "A bell around zero.", "'A bell at {t9.mean}.'", ["figures.histogram.caption", "{t9.mean}", "t1, t2, t3"]),
    (PAPER, "A bell around zero.", "'A bell at {t1.mean:.2q}.'", ["figures.histogram.caption", "a format of a number"]),
    (
        PAPER,
        "scale: paper\n",
        "scale: paper\n    remarks: See {mean}.\n",
        ["claims.t3.remarks", "{mean}", "a claim and"],
    ),
    (PAPER, "medium: {}", "medium: {}\n  huge: {}", ["parameters.huge", "unknown key"]),
    (PAPER, "medium: {}\n", "", ["parameters.medium", "nothing"]),
    (PAPER, "  summary:", "\tsummary:", ["line ", "not valid YAML"]),
    (PAPER, "  year: 2024", "  year: 2024\n  year: 2025", ["'year'", "given twice"]),
    (
        PAPER,
        "plot: {bins: 20}",
        "plot: {bins: 20}\n    extra: {a: 1}",
        ["extra", "unknown"],
    ),
    ("config/config.yaml", "root_seed: 0", "root_seed: -1", ["root_seed", "-1", "at least 0"]),
    ("config/config.yaml", "device: auto", "device: tpu", ["device", "tpu", "auto, cpu, cuda"]),
    ("config/config.yaml", "data: {}", "data: {}\ncolour: red", ["colour", "unknown key"]),
    ("config/config.yaml", "results: results", "results: ''", ["results", "not empty"]),
    ("workflow/schemas/papers/toy.yaml", "type: object", "type: thing", ["toy.yaml", "not a JSON schema"]),
]


@pytest.mark.parametrize(("file", "old", "new", "words"), MISTAKES, ids=[m[2].strip()[:30] or m[1] for m in MISTAKES])
def test_one_line_for_each_mistake(toy, file, old, new, words):
    def load():
        check_file(toy.root / "config/config.yaml")
        load_config({**load_yaml(toy.root / "config/config.yaml"), "scale": "smoke"}, toy.root)
        load_paper("toy", toy.root, "smoke")

    toy.edit(file, old, new)
    with pytest.raises(ConfigError) as error:
        load()
    said = str(error.value)
    assert "\n" not in said
    assert file in said
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(("file", "old", "new", "words"), [MISTAKES[0], MISTAKES[18], MISTAKES[21]])
def test_one_line_before_any_job(toy, file, old, new, words):
    toy.edit(file, old, new)
    done = toy.snakemake(check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("linear atlas:")]
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in (file, *words)), lines[0]
    assert "Traceback" not in done.stderr
    assert not (toy.root / "results").exists()


def test_the_command_line_is_checked_too(toy):
    done = toy.snakemake("--config", "scale=huge", check=False)
    assert done.returncode != 0
    assert 'scale: got "huge" (text), expected one of smoke, laptop, medium, paper' in done.stderr


def test_a_parameter_that_no_rule_reads_is_refused(toy):
    toy.edit("workflow/rules/toy.smk", '**paper.params("plot"),', "bins=20,")
    done = toy.snakemake(check=False)
    assert done.returncode != 0
    assert "parameters.plot.bins: got a key that no rule of workflow/rules/toy.smk reads" in done.stderr


def ask_for_data(toy) -> None:
    """Let the toy paper's histogram and its second claim rest on a data set of the user."""
    toy.edit(
        "config/papers/toy.yaml",
        "parameters:\n",
        "data:\n  toy_corpus: {layout: a folder of text files, published: https://example.org/toy}\nparameters:\n",
    )
    toy.edit(
        "workflow/rules/toy.smk",
        "use rule figure as toy_histogram with:",
        "use rule toy_draw as toy_read with:\n"
        '    input:\n        corpus=paper.data("toy_corpus"),\n    output:\n        store=paper.store("corpus"),\n'
        '    log:\n        paper.log("corpus"),\n    benchmark:\n        paper.benchmark("corpus")\n\n\n'
        "use rule figure as toy_histogram with:",
    )
    toy.edit("workflow/scripts/toy/draw.py", "def draw(", "def draw(corpus=None, ")
    toy.edit(
        "workflow/rules/toy.smk",
        'draws=expand(paper.store("draw_{seed}"), seed=paper.value("draw", "seeds")),\n    output:\n        figure',
        'draws=[paper.store("corpus")],\n    output:\n        figure',
    )
    toy.edit(
        "workflow/rules/toy.smk",
        'means=paper.store("means"),\n    output:\n        claims',
        '**paper.available(means=paper.store("means"), corpus=paper.store("corpus")),\n    output:\n        claims',
    )
    toy.edit("workflow/scripts/toy/claims.py", "def t2(means)", "def t2(means, corpus)")


def test_what_rests_on_missing_data_is_left_out_and_named(toy):
    ask_for_data(toy)
    done = toy.snakemake()
    for word in ("toy_corpus (toy)", "a folder of text files", "https://example.org/toy", "needs data"):
        assert word in done.stderr
    folder = toy.root / "results/smoke/toy"
    assert not (folder / "figures/histogram.svg").exists()
    verdicts = {one["id"]: one for one in json.loads((folder / "claims.json").read_text())["claims"]}
    assert [one["verdict"] for one in verdicts.values()] == ["reproduced", "needs data", "not tested at this scale"]
    assert verdicts["t2"]["needs"] == ["toy_corpus"]
    assert toy.python("lib.atlas", "check", "results/smoke").returncode == 0
    target = toy.snakemake("toy_histogram", check=False)
    assert target.returncode == 1
    assert "not-supplied/toy_corpus" in target.stdout + target.stderr
    assert "Traceback" not in target.stdout + target.stderr


def test_data_that_somebody_supplies_are_used_and_followed(toy, tmp_path):
    ask_for_data(toy)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/a.txt").write_text("one")
    file = toy.root / "config/config.yaml"
    file.write_text(file.read_text().replace("data: {}", f"data: {{toy_corpus: {tmp_path / 'corpus'}}}"))
    toy.snakemake()
    assert (toy.root / "results/smoke/toy/figures/histogram.svg").exists()
    assert toy.python("lib.atlas", "check", "results/smoke").returncode == 0
    (tmp_path / "corpus/a.txt").write_text("two")
    check = toy.python("lib.atlas", "check", "results/smoke")
    assert check.returncode == 1
    assert "corpus.zarr.zip: input corpus: the contents of corpus changed" in check.stdout


def test_a_data_key_that_no_paper_asks_for_is_refused(toy):
    ask_for_data(toy)
    done = toy.snakemake("--config", "scale=smoke", 'data={"toy_corpsu": "x"}', check=False)
    assert done.returncode == 1
    assert "data.toy_corpsu: got an unknown key, expected one of toy_corpus (did you mean toy_corpus?)" in done.stderr


@pytest.mark.parametrize("slug", ["a-b", "1h", "Toy", "a__b", "x" * 61])
def test_a_name_that_no_rule_could_begin_with(toy, slug):
    for folder in ("config/papers", "workflow/schemas/papers"):
        (toy.root / f"{folder}/toy.yaml").rename(toy.root / f"{folder}/{slug}.yaml")
    done = toy.snakemake("--list-rules", check=False)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("linear atlas: ")]
    assert f"config/papers/{slug}.yaml: got {slug!r} as a paper's name, expected lower-case letters" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("key", ["results", "data"])
def test_a_name_that_no_file_system_takes(toy, key):
    value = "results=" + "x" * 300 if key == "results" else "data={corpus: " + "x" * 300 + "}"
    done = toy.snakemake("--config", "scale=smoke", value, check=False)
    assert done.returncode == 1
    assert "got a name of 300 bytes, expected at most 255" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistyped_target_is_one_line_with_a_suggestion(toy):
    done = toy.snakemake("toy_histogramm", check=False)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("linear atlas: ")]
    assert line.startswith("linear atlas: toy_histogramm: got no such target, ")
    assert line.endswith("(did you mean toy_histogram?)")
    assert "MissingRule" not in done.stderr
    toy.snakemake("--dry-run", "results/smoke/toy/draw_0.zarr.zip", "toy_histogram")
