"""Every paper keeps every promise, and a paper that breaks one is noticed."""

import sys

import pytest

import lib
from lib.atlas.evidence import plan as plans
from tests.conftest import ROOT
from tests.papers import contract
from tests.papers.conftest import LOOK

SLUGS = sorted(file.stem for file in (ROOT / "config/papers").glob("*.yaml"))
RULES = "workflow/rules/toy.smk"
FILE = "config/papers/toy.yaml"
SCHEMA = "workflow/schemas/papers/toy.yaml"
CLAIMS = "workflow/scripts/toy/claims.py"
TEMPLATES = "workflow/rules/stages.smk"


@pytest.fixture(scope="module")
def plan():
    return plans.read(ROOT, "smoke", "results")


@pytest.mark.workflow
@pytest.mark.parametrize("promise", contract.PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("slug", SLUGS)
def test_every_paper_keeps_its_promises(plan, slug, promise):
    assert promise(contract.Paper(slug, ROOT, plan)) == []


@pytest.mark.parametrize("schema", ["config", "paper"])
def test_the_keys_that_all_papers_share_are_described(schema):
    assert contract.undescribed(ROOT / f"workflow/schemas/{schema}.yaml") == []


@pytest.mark.workflow
@pytest.mark.parametrize("slug", SLUGS)
def test_no_claim_passes_on_nothing(plan, slug, smoke_run):
    assert contract.claims_fail_on_nothing(contract.Paper(slug, ROOT, plan), smoke_run.root) == []


def test_the_tests_of_every_paper_look_at_its_central_claims(request):
    chosen = {item.path.stem for item in request.session.items}
    papers = {f"test_{slug}" for slug in SLUGS}
    if not papers <= chosen or request.config.option.keyword:
        pytest.skip("not all tests of all papers were asked for")
    assert {item.path.stem for item in request.session.items if item.name == LOOK} == papers


@pytest.fixture
def toy(toy, monkeypatch):
    """The copy with the toy paper, whose scripts can be imported here."""
    monkeypatch.setattr(lib, "__path__", [*lib.__path__, str(toy.root / "src/lib")])
    yield toy
    for name in [name for name in sys.modules if name.startswith("lib.toy")]:
        del sys.modules[name]


def toy_paper(toy) -> contract.Paper:
    return contract.Paper("toy", toy.root, plans.read(toy.root, "smoke", "results"))


@pytest.mark.workflow
def test_the_toy_paper_keeps_its_promises(toy):
    toy.snakemake("toy_measure_claims")
    paper = toy_paper(toy)
    assert [sentence for promise in contract.PROMISES for sentence in promise(paper)] == []
    assert contract.claims_fail_on_nothing(paper, toy.root) == []


MEANS_ENTRY = "  means: {title: Means, caption: A row per seed., claims: [t1], kind: table}\n"
CLAIMS_INPUT = '        means=paper.store("means"),\n    output:\n        claims='
NEEDS = "        mem_mb=mem(1000),\n        runtime=minutes(2),\n"
BREACHES = [
    (contract.figures_are_rules, FILE, MEANS_ENTRY, MEANS_ENTRY.replace("means:", "medians:") + MEANS_ENTRY),
    (contract.figures_are_rules, RULES, "as toy_histogram with", "as toy_draw_histogram with"),
    (contract.signatures_fit, "workflow/scripts/toy/histogram.py", "bins: int", "bars: int"),
    (contract.signatures_fit, "workflow/scripts/toy/means.py", "def means(means)", "def means(means, draws)"),
    (contract.signatures_fit, RULES, '**paper.script("means")', '**paper.script("means"), root_seed=paper.root_seed'),
    (contract.signatures_fit, RULES, "        root_seed=paper.root_seed,\n", ""),
    (contract.claims_are_functions, CLAIMS, "def t2(means)", "def t4(means)"),
    (contract.claims_are_functions, CLAIMS, '    """Means far below zero, which they are not."""\n', ""),
    (contract.claims_are_functions, CLAIMS, "def t2(means)", "def t2(means, draws)"),
    (contract.claims_are_functions, RULES, CLAIMS_INPUT, '        others=paper.store("means"),\n' + CLAIMS_INPUT),
    (contract.keys_are_described, SCHEMA, ", description: number of bins", ""),
    (contract.keys_are_described, SCHEMA, "    description: the histogram\n", ""),
    (contract.rules_are_complete, RULES, '    """Table: mean of every seed."""\n', ""),
    (contract.rules_are_complete, RULES, '    log:\n        paper.log("histogram"),\n', ""),
    (contract.rules_are_complete, RULES, '    benchmark:\n        paper.benchmark("histogram")\n', ""),
    (contract.rules_are_complete, RULES, 'paper.log("histogram")', 'paper.log("means")'),
    (contract.rules_are_complete, TEMPLATES, NEEDS, "        runtime=minutes(2),\n"),
    (contract.rules_are_complete, TEMPLATES, NEEDS, "        mem_mb=mem(1000),\n"),
    (contract.prose_has_no_bare_numbers, FILE, "A bell around zero.", "A bell around 0.02."),
    (contract.prose_has_no_bare_numbers, FILE, "A row per seed.", '"Seeds differ: 3 % are far."'),
    (contract.prose_has_no_bare_numbers, FILE, "A row per seed.", '"In a separate run it was 0.02."'),
    (contract.prose_has_no_bare_numbers, FILE, "scale: paper\n", "scale: paper\n    remarks: It was 1.25.\n"),
    (contract.prose_has_no_bare_numbers, FILE, "  summary:", "  notes: [In one run it was 1.25.]\n  summary:"),
]


@pytest.mark.workflow
@pytest.mark.parametrize(("promise", "file", "old", "new"), BREACHES, ids=lambda part: getattr(part, "__name__", ""))
def test_a_broken_promise_is_noticed(toy, promise, file, old, new):
    toy.edit(file, old, new)
    assert promise(toy_paper(toy)) != []


@pytest.mark.workflow
@pytest.mark.parametrize(
    "caption", ["Between -0.5 and 50 %.", "It is {t1.mean:.2f}.", "In a separate run of 20000 draws it was 0.02."]
)
def test_prose_may_hold_bounds_placeholders_and_separate_runs(toy, caption):
    toy.edit(FILE, "A bell around zero.", f'"{caption}"')
    assert contract.prose_has_no_bare_numbers(toy_paper(toy)) == []


@pytest.mark.workflow
def test_a_rule_above_what_it_reads_is_noticed(toy):
    path = toy.root / RULES
    head, *rules = path.read_text().split("\n\n\n")
    path.write_text("\n\n\n".join([head, *rules[1:], rules[0]]))
    assert contract.rules_are_in_order(toy_paper(toy)) != []


@pytest.mark.workflow
@pytest.mark.parametrize(
    "value", ["float((means['mean'] > 1).sum())", "means.sizes['seed'] - 2.0", "max(0.0, *means['mean'])"]
)
def test_a_claim_that_passes_on_nothing_is_noticed(toy, value):
    toy.snakemake("toy_gather_means")
    toy.edit(
        CLAIMS,
        'def t1(means) -> dict:\n    """Means near zero."""\n    return _means(means)',
        f'def t1(means):\n    """Means near zero."""\n    return {{"mean": exact({value})}}',
    )
    paper = toy_paper(toy)
    assert [sentence.split(":")[0] for sentence in contract.claims_fail_on_nothing(paper, toy.root)] == ["t1"]
