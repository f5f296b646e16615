"""Since when a pass rule stands follows from the history of the paper's file, and nothing is claimed without one."""

import subprocess

import pytest
import yaml

from lib.atlas.provenance import rules_since


def rule(name: str, bound: float, **more) -> dict:
    return {"id": name, "scale": "laptop", "pass": [{"quantity": "x", "below": bound}], **more}


@pytest.fixture
def commit(tmp_path):
    """`commit(claims, date)` writes the paper's file and commits it; returns the file."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "papers").mkdir()

    def one(claims: list[dict], date: str):
        file = tmp_path / "papers/lines.yaml"
        file.write_text(yaml.safe_dump({"claims": claims, "date": date}))
        subprocess.run([*git, "add", "."], check=True)
        when = {
            "GIT_AUTHOR_DATE": f"{date}T12:00:00Z",
            "GIT_COMMITTER_DATE": f"{date}T12:00:00Z",
            "PATH": "/usr/bin:/bin",
        }
        subprocess.run([*git, "commit", "-qm", date], check=True, env=when)
        return file

    return one


def test_a_rule_stands_since_it_was_last_changed(commit):
    commit([rule("a", 1), rule("b", 1)], "2020-01-01")
    commit([rule("a", 2), rule("b", 1, statement="first")], "2020-01-02")
    commit([rule("a", 1), rule("b", 1, statement="second")], "2020-01-03")
    now = [rule("a", 1), rule("b", 1), rule("c", 1, gate=[{"quantity": "y", "above": 0}])]
    file = commit([*now[:2], now[2] | {"statement": "third"}], "2020-01-04")
    since = rules_since(file, now)
    assert {name: entry["date"] for name, entry in since.items()} == {
        "a": "2020-01-03", "b": "2020-01-01", "c": "2020-01-04",
    }  # fmt: skip
    assert all(len(entry["commit"]) == 12 for entry in since.values())


def test_a_rule_that_is_not_committed_says_so(commit):
    file = commit([rule("a", 1), rule("b", 1)], "2020-01-01")
    since = rules_since(file, [rule("a", 2), rule("b", 1)])
    assert since["a"] == {"commit": "uncommitted", "date": ""}
    assert since["b"]["date"] == "2020-01-01"


def test_nothing_is_said_outside_git_or_of_a_file_that_is_not_in_it(commit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "lines.yaml").write_text("claims: []\n")
    assert rules_since(folder / "lines.yaml", [rule("a", 1)]) == {}
    file = commit([rule("a", 1)], "2020-01-01").with_name("circles.yaml")
    assert rules_since(file, [rule("a", 1)]) == {}


def test_an_old_version_that_cannot_be_read_ends_the_history(commit):
    file = commit([rule("a", 1)], "2020-01-01")
    file.write_text("claims: [\n")
    subprocess.run(
        ["git", "-C", str(file.parent), "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qam", "x"]
    )
    file = commit([rule("a", 1)], "2020-01-03")
    assert rules_since(file, [rule("a", 1)])["a"]["date"] == "2020-01-03"
