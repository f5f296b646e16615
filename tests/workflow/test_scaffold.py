"""`make paper` writes a paper that keeps every promise, passes the linters and runs at once."""

import json
import shutil
import subprocess
import sys

import pytest

from lib.atlas.evidence import plan as plans
from lib.atlas.workflow import scaffold
from tests import rule_files
from tests.conftest import ROOT
from tests.papers import contract

pytestmark = pytest.mark.workflow

TITLE = 'It\'s a "paper": 100 % on {braces}, #numbers and \\sqrt(n).'


def run(copy, *command: str) -> str:
    """What a command of this Python says in the copy, which must succeed."""
    environment = copy.environment() | {"PYTHONPATH": f"{copy.root / 'src'}:{copy.root}"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=copy.root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_paper_is_whole(toy):
    for name in ("pyproject.toml", "tests/conftest.py", "tests/papers/conftest.py", "tests/papers/judged.py"):
        (toy.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, toy.root / name)
    run(toy, "lib.atlas", "paper", "my_paper", "--title", TITLE)
    run(toy, "ruff", "check", ".")
    run(toy, "ruff", "format", "--check", ".")
    run(toy, "snakefmt", "--check", "Snakefile", "workflow")
    run(toy, "snakemake", "--lint")
    run(toy, "pytest", "-q", "-p", "no:cacheprovider", "tests/papers/test_my_paper.py")
    toy.snakemake("my_paper")
    assert toy.planned("my_paper") == set()
    paper = contract.Paper("my_paper", toy.root, plans.read(toy.root, "smoke", "results"))
    assert {promise.__name__: promise(paper) for promise in contract.PROMISES} == {
        promise.__name__: [] for promise in contract.PROMISES
    }
    assert contract.claims_fail_on_nothing(paper, toy.root) == []
    assert rule_files.collisions(*rule_files.read(toy.root)) == []
    assert paper.spec["paper"]["title"] == TITLE
    claims = json.loads((toy.root / "results/smoke/my_paper/claims.json").read_text())["claims"]
    assert [claim["verdict"] for claim in claims] == ["reproduced"]


@pytest.mark.parametrize(
    "name",
    ["a-b", "1h", "My_paper", "paper_", "a__b", "", "é", "x" * 61, "toy", "toy_two", "lambda", "rule", "input", "paper",
     "all", "audit", "figure", "claims", "common", "stages", "../up"],
)  # fmt: skip
def test_a_name_that_a_paper_cannot_have_is_refused(toy, name):
    before = sorted(toy.root.rglob("*"))
    with pytest.raises(ValueError, match=r"^NAME: got .*expected [^\n]*$"):
        scaffold.write(name, "A title", toy.root)
    assert sorted(toy.root.rglob("*")) == before


def test_the_slug_of_a_longer_name_is_refused(toy):
    scaffold.write("my_paper_two", "A title", toy.root)
    with pytest.raises(ValueError, match="could not be told from those of my_paper_two"):
        scaffold.write("my_paper", "A title", toy.root)


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "a bell\a"])
def test_a_title_that_is_no_line_is_refused(toy, title):
    with pytest.raises(ValueError, match=r"^TITLE: got .*expected one line of text$"):
        scaffold.write("my_paper", title, toy.root)


def test_a_refusal_is_one_line(toy):
    done = toy.python("lib.atlas", "paper", "a-b", "--title", "A title")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "linear atlas: NAME: got 'a-b', expected lower-case letters, digits and single underscores, a letter first, "
        "at most 60 of them"
    ]
