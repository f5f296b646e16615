"""The documents of claims: what they say of a run, and whether the project's own are those of its configuration."""

import json
import re
from pathlib import Path

import pytest
import yaml

from lib.atlas.evidence import documents

ROOT = Path(__file__).resolve().parents[3]
PAPER = {
    "paper": {
        "title": "On lines",
        "authors": ["A. Author"],
        "year": 2020,
        "arxiv": "2001.00001",
        "summary": "Lines are straight.",
    },
    "figures": {},
    "data": {"ruler": {"layout": "a folder of rulers", "published": "https://example.org"}},
    "claims": [
        {
            "id": "l1",
            "statement": "A line is the shortest way - or 2 * as short.",
            "where": "section 1",
            "known_from": "from memory",
            "measures": "lengths",
            "paper_value": "1",
            "scale": "smoke",
            "pass": {"smoke": [{"quantity": "ratio", "below": 1.2}]},
            "remarks": "It depends on the metric.",
        }
    ],
}


def verdicts(scale: str, holds: bool | None = False) -> dict:
    """What the claims rule writes for `PAPER`."""
    verdict = {True: "reproduced", False: "not reproduced", None: "not tested at this scale"}[holds]
    quantities = {"ratio": {"value": [1.5, 2.0], "labels": ["n = 1", "n = 2"], "se": [0.1, 0.2]}}
    claim = {"id": "l1", "smallest_scale": "smoke", "verdict": verdict, "rests_on": [], "quantities": quantities}
    claim |= {"pass": [{"rule": "ratio < 1.2", "holds": holds}], "gate": [], "firm": None}
    record = {"stage": "measure_claims", "code": "", "commit": "", "libraries": {}, "parameters": {}, "inputs": {}}
    return {"scale": scale, "claims": [claim], "provenance": record}


@pytest.fixture
def tree(tmp_path) -> Path:
    """A tree with one paper and its results at laptop scale."""
    (tmp_path / "config/papers").mkdir(parents=True)
    (tmp_path / "config/papers/lines.yaml").write_text(yaml.safe_dump(PAPER))
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\n")
    (tmp_path / "README.md").write_text(f"# Title\n\n{documents.BEGIN}\nold\n{documents.END}\n\nend\n")
    put(tmp_path, "laptop")
    return tmp_path


def put(tree: Path, scale: str, **options) -> Path:
    """Claims of the paper in the results of a tree."""
    folder = tree / "results" / scale / "lines"
    folder.mkdir(parents=True)
    (folder / "claims.json").write_text(json.dumps(verdicts(scale, **options)))
    return folder.parent


def test_a_page_states_claim_rule_measurement_and_remarks(tree):
    documents.write(tree / "results/laptop", tree, "2 cores of a loom")
    page = (tree / "docs/claims/lines.md").read_text()
    assert page.startswith("# On lines\n")
    assert "## l1: **not reproduced**" in page
    assert "> A line is the shortest way - or 2 \\* as short." in page
    assert "The paper: 1 (section 1; from memory)." in page
    assert "- `ratio < 1.2` **does not hold**: n = 1: 1.5 ± 0.1; n = 2: 2 ± 0.2" in page
    assert "It depends on the metric." in page
    assert "2 cores of a loom" in page
    assert "- `ruler`: a folder of rulers; published: https://example.org" in page


def test_the_readme_is_written_at_laptop_scale_when_all_papers_have_claims(tree):
    documents.write(tree / "results/laptop", tree, "2 cores of a loom")
    readme = (tree / "README.md").read_text()
    assert "| [`lines`](docs/claims/lines.md) On lines | 1 | 0 | 1 | 0 |" in readme
    assert readme.startswith("# Title\n")
    assert readme.endswith("\nend\n")
    assert "old" not in readme
    (tree / "config/papers/circles.yaml").write_text(yaml.safe_dump(PAPER))
    documents.write(tree / "results/laptop", tree, "another machine")
    assert (tree / "README.md").read_text() == readme


def test_another_scale_has_documents_of_its_own(tree):
    before = (tree / "README.md").read_text()
    files = documents.write(put(tree, "medium", holds=True), tree, "2 cores of a loom")
    assert files == [tree / "docs/claims-medium.md", tree / "docs/claims-medium/lines.md"]
    assert "(claims-medium/lines.md)" in files[0].read_text()
    assert (tree / "README.md").read_text() == before


def test_what_is_no_claims_is_refused_by_name(tree):
    (tree / "results/laptop/lines/claims.json").write_text("{")
    with pytest.raises(ValueError, match=r"lines/claims\.json: got no claims"):
        documents.write(tree / "results/laptop", tree, "")
    with pytest.raises(ValueError, match="got no claims of any paper"):
        documents.write(tree / "results/smoke", tree, "")


@pytest.mark.parametrize("words", ["- a list", "1. a list", "# a heading", "====", "+ a list"])
def test_prose_never_becomes_markup(words):
    assert not re.match(r"[-+#] |\d+[.)] |=+$", documents.wrap(words))
    assert documents.wrap(words).replace("\\", "") == words


def test_prose_is_kept_word_for_word():
    text = "e^eps - 1 is at most 2 < 3 " * 40
    lines = documents.wrap(text, "- ", "  ").splitlines()
    assert max(map(len, lines)) <= documents.WIDTH
    assert " ".join("\n".join(lines).replace("\\", "").split()) == "- " + text.strip()


def test_no_html_of_a_papers_file_reaches_the_documents(tree):
    spec = yaml.safe_load((tree / "config/papers/lines.yaml").read_text())
    evil = "<script>alert(1)</script> | <img src=x>"
    spec["paper"] |= {"title": evil, "authors": [evil], "venue": evil, "summary": evil, "notes": [evil]}
    spec["claims"][0] |= dict.fromkeys(("statement", "where", "measures", "paper_value", "remarks"), evil)
    spec["data"]["ruler"] = {"layout": evil, "published": evil}
    (tree / "config/papers/lines.yaml").write_text(yaml.safe_dump(spec))
    documents.write(tree / "results/laptop", tree, "2 cores of a loom")
    for name in ("docs/claims.md", "docs/claims/lines.md", "README.md"):
        text = (tree / name).read_text().replace(documents.BEGIN, "").replace(documents.END, "")
        assert "script" in text
        assert not re.search(r"(?<!\\)<[a-z/]", text)


# the project's own documents against its configuration: `make claims` writes them anew

SPECS = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in (ROOT / "config/papers").glob("*.yaml")
}
ROW = re.compile(r"^\| \[`(\w+)`\]\((\S+)\) (.*?) \| (\d+) \|", re.MULTILINE)


@pytest.mark.parametrize("document", ["README.md", "docs/claims.md"])
def test_the_table_of_papers_is_that_of_the_configuration(document):
    rows = ROW.findall((ROOT / document).read_text(encoding="utf-8"))
    assert [(slug, title, int(number)) for slug, _, title, number in rows] == [
        (slug, spec["paper"]["title"], len(spec["claims"])) for slug, spec in sorted(SPECS.items())
    ]
    assert all(((ROOT / document).parent / page).is_file() for _, page, _, _ in rows)


@pytest.mark.parametrize("folder", ["claims", "claims-medium"])
def test_the_pages_state_the_claims_of_the_configuration(folder):
    for page in (ROOT / "docs" / folder).glob("*.md"):
        text = page.read_text(encoding="utf-8")
        claims = SPECS[page.stem]["claims"]
        assert re.findall(r"^## (\w+): ", text, re.MULTILINE) == [claim["id"] for claim in claims]
        statements = re.findall(r"^(?:> .*\n)+", text, re.MULTILINE)
        assert [" ".join(s.replace("> ", "").split()).replace("\\", "") for s in statements] == [
            " ".join(claim["statement"].split()) for claim in claims
        ]


def test_the_papers_are_cited_as_their_files_name_them():
    specs = {file.stem: yaml.safe_load(file.read_text()) for file in sorted((ROOT / "config/papers").glob("*.yaml"))}
    text = (ROOT / "CITATION.cff").read_text()
    assert documents.citation(text, specs) == text, "stale: run `make claims`"
    cff = yaml.safe_load(text)
    assert [entry["title"] for entry in cff["references"]] == [spec["paper"]["title"] for spec in specs.values()]
