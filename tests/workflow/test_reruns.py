"""What makes a stage run again, and what does not."""

import shutil

import pytest

pytestmark = pytest.mark.workflow

PAGES = {"audit_index", "audit_gallery", "audit_paper"}  # those that show figures or what was spent on them
AUDIT = {"audit_gather", "audit_table", "audit_search"} | PAGES
TOY = {"toy_draw", "toy_gather_means", "toy_histogram", "toy_means", "toy_measure_claims"}


def test_a_second_run_does_nothing(toy):
    assert toy.planned() == TOY | AUDIT
    toy.snakemake()
    assert toy.planned() == set()


def test_the_snakefile_of_the_catalog_is_that_of_the_root_folder(toy):
    other = ("--snakefile", "workflow/Snakefile")
    toy.snakemake(*other, "toy_gather_means")
    assert toy.planned() == (TOY | AUDIT) - {"toy_draw", "toy_gather_means"}
    assert toy.planned(*other) == toy.planned() | {"everything"}


def test_comments_docstrings_and_layout_rerun_nothing(made):
    made.edit("src/lib/toy/numbers.py", "# a comment", "# another comment\n")
    made.edit("src/lib/toy/numbers.py", "Return `number` draws", "Draw `number` numbers")
    made.edit("workflow/scripts/toy/draw.py", "Draw Gaussian numbers.", "Other words.")
    made.edit("src/lib/atlas/job/store.py", "Hash of one variable", "The hash of one variable")
    assert made.planned() == set()


def test_an_edited_function_reruns_what_rests_on_it(made):
    made.edit("src/lib/toy/averages.py", "values.mean()", "values.mean() + 0.001")
    assert made.planned() == {"toy_gather_means", "toy_means", "toy_measure_claims"} | AUDIT
    made.snakemake()
    made.edit("src/lib/toy/numbers.py", "spread *", "1.0 * spread *")
    assert made.planned() == TOY | AUDIT


def test_a_script_is_code_too(made):
    made.edit("workflow/scripts/toy/histogram.py", '"number of draws"', '"draws"')
    assert made.planned() == {"toy_histogram"} | PAGES


def test_a_remade_store_with_equal_bytes_stops_there(made):
    store = made.root / "results/smoke/toy/means.zarr.zip"
    before = store.read_bytes()
    store.unlink()
    done = made.snakemake("results/smoke/toy/means.zarr.zip")
    assert store.read_bytes() == before
    assert "rule toy_gather_means:" in done.stderr + done.stdout
    assert made.planned() == set()


def test_a_parameter_reruns_the_stages_that_read_it(made):
    made.edit("config/papers/toy.yaml", "plot: {bins: 20}", "plot: {bins: 21}")
    assert made.planned() & TOY == {"toy_histogram"}


def test_another_seed_runs_one_more_job(made):
    made.edit("config/papers/toy.yaml", "seeds: [0, 1]}", "seeds: [0, 1, 2]}")
    done = made.snakemake("--dry-run")
    assert (done.stdout + done.stderr).count("rule toy_draw:") == 1


def test_wording_reruns_the_audit_only(made):
    made.edit("config/papers/toy.yaml", "The mean is near zero.", "The mean is about zero.")
    assert made.planned() == AUDIT


def test_a_pass_rule_reruns_the_verdicts_only(made):
    made.edit("config/papers/toy.yaml", "between: [-0.5, 0.5]", "between: [-0.4, 0.4]")
    assert made.planned() == {"toy_measure_claims"} | AUDIT


def test_one_paper_does_not_touch_another(toy):
    second_paper(toy, "other")
    toy.snakemake()
    toy.edit("config/papers/other.yaml", "draws: 200,", "draws: 100,")
    assert toy.planned() & TOY == set()
    assert "other_draw" in toy.planned()


def test_a_figure_by_name_runs_only_what_it_needs(toy):
    assert toy.planned("toy_means") == {"toy_draw", "toy_gather_means", "toy_means"}


def second_paper(toy, name: str) -> None:
    """The toy paper once more, under another name."""
    for folder in ("config/papers", "workflow/schemas/papers"):
        shutil.copy(toy.root / folder / "toy.yaml", toy.root / folder / f"{name}.yaml")
    rules = (toy.root / "workflow/rules/toy.smk").read_text()
    (toy.root / f"workflow/rules/{name}.smk").write_text(rules.replace("toy", name))
    shutil.copytree(toy.root / "workflow/scripts/toy", toy.root / "workflow/scripts" / name)
