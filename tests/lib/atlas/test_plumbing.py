"""Fingerprints, seeds, names of a stage's arguments, and the comparison of two runs."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lib.atlas.__main__ import VERBS, main
from lib.atlas.evidence import compare
from lib.atlas.job import seeds, stage, store
from lib.atlas.workflow import config, fingerprint, memory

SCHEMAS = Path(__file__).parents[3] / "workflow/schemas"


BLOCK = "if 'snakemake' in globals():\n    from lib.atlas.job.stage import run\n\n    run(f, snakemake)\n"


@pytest.fixture
def tree(tmp_path):
    """A project with a script that uses `lib.a`, which uses `lib.b`; `lib.c` is used by nobody."""
    (tmp_path / "src/lib/atlas/job").mkdir(parents=True)
    (tmp_path / "workflow/scripts").mkdir(parents=True)
    for name, text in {
        "src/lib/__init__.py": "",
        "src/lib/atlas/__init__.py": "",
        "src/lib/atlas/job/__init__.py": "",
        "src/lib/atlas/job/seeds.py": "x = 1\n",
        "src/lib/atlas/job/claims.py": "def judge():\n    return 1\n",
        "src/lib/a.py": "from lib.b import g\n\ndef f():\n    return g()\n",
        "src/lib/b.py": "def g():\n    return 1\n",
        "src/lib/c.py": "def h():\n    return 1\n",
        "src/lib/atlas/job/stage.py": "from lib.c import h\n",
        "workflow/scripts/s.py": "from lib.a import f\n" + BLOCK,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _fingerprint(root: Path) -> str:
    for cached in (fingerprint._read, fingerprint.code_modules, fingerprint.code_fingerprint):
        cached.cache_clear()
    return fingerprint.code_fingerprint(root / "workflow/scripts/s.py", root)


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("src/lib/b.py", "def g():\n    return 2\n", True),
        ("src/lib/b.py", '"""Module."""\n\n\ndef g():\n    """Doc."""\n    # comment\n    return (1)\n', False),
        ("src/lib/c.py", "def h():\n    return 2\n", False),
        ("src/lib/atlas/job/seeds.py", "x = 2\n", True),
        ("src/lib/a.py", "from .b import g\n\ndef f():\n    return -g()\n", True),
    ],
)
def test_fingerprint_follows_code_and_not_comments(tree, file, text, changes):
    before = _fingerprint(tree)
    (tree / file).write_text(text)
    assert (_fingerprint(tree) != before) is changes


CLAIMS = """from lib.atlas.job.seeds import x
from lib.a import f
from lib.c import h

LIMIT = 3


def _halved(number):
    return number / 2


def c1(store):
    return _halved(f() + x)


def c2(store):
    return h() + LIMIT
"""


def _functions(root: Path) -> dict[str, str]:
    for cached in (fingerprint._read, fingerprint.function_fingerprints):
        cached.cache_clear()
    prints = fingerprint.function_fingerprints(root / "workflow/scripts/claims.py", root)
    return {name: prints[name] for name in ("c1", "c2")}


@pytest.mark.parametrize(
    ("file", "old", "new", "changes"),
    [
        ("workflow/scripts/claims.py", "number / 2", "number / 3", {"c1"}),
        ("workflow/scripts/claims.py", "LIMIT = 3", "LIMIT = 4", {"c2"}),
        ("workflow/scripts/claims.py", "h() + LIMIT", "h() - LIMIT", {"c2"}),
        ("workflow/scripts/claims.py", "def c2(store):", "# a comment\ndef c2(store):\n    'Words.'", set()),
        ("workflow/scripts/claims.py", "def c2(store):", "def c3(store):\n    return 1\n\n\ndef c2(store):", set()),
        ("src/lib/b.py", "return 1", "return 2", {"c1"}),  # which lib.a imports
        ("src/lib/c.py", "return 1", "return 2", {"c2"}),
        ("src/lib/atlas/job/seeds.py", "x = 1", "x = 2", set()),  # lib.atlas hands numbers on
    ],
)
def test_a_claim_is_another_when_what_it_uses_changes(tree, file, old, new, changes):
    (tree / "workflow/scripts/claims.py").write_text(CLAIMS)
    before = _functions(tree)
    assert before["c1"] != before["c2"]
    text = (tree / file).read_text()
    assert old in text
    (tree / file).write_text(text.replace(old, new))
    after = _functions(tree)
    assert {name for name in before if before[name] != after[name]} == changes


def test_what_was_read_before_is_not_parsed_again_and_a_damaged_memory_is_not_believed(tree, monkeypatch):
    before = _fingerprint(tree)
    memory.memory(tree / fingerprint.MEMORY).save()
    file = tree / fingerprint.MEMORY
    monkeypatch.setattr(fingerprint, "_parse", None)
    memory.memory.cache_clear()
    assert _fingerprint(tree) == before
    monkeypatch.undo()
    whole = file.read_bytes()
    for damaged in (whole.replace(b"lib.b", b"lib.c"), whole[:-9], b"\xff", b""):
        file.write_bytes(damaged)
        memory.memory.cache_clear()
        assert _fingerprint(tree) == before


@pytest.mark.parametrize("schema", sorted(SCHEMAS.rglob("*.yaml")), ids=lambda file: file.stem)
def test_every_schema_is_one(schema):
    config.check_schema(schema)


def test_a_script_that_is_not_python_is_named(tree):
    (tree / "src/lib/b.py").write_text("def g(:\n")
    with pytest.raises(ValueError, match=r"b\.py:1"):
        _fingerprint(tree)


def test_generators_depend_on_the_whole_key():
    draws = [seeds.generator(*key).integers(2**62) for key in [(0, "a"), (0, "a"), (1, "a"), (0, "b"), (0, "a", 1)]]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 4


def test_arguments_are_matched_by_name():
    def f(x, *, y, seed, rng=None, z=3):
        return x, y, seed, rng, z

    given = stage.bind(f, {"x": 1}, {"y": 2}, {"seed": 7, "unused": 1}, {"rng": lambda: "generator"})
    assert given == {"x": 1, "y": 2, "seed": 7, "rng": "generator"}
    with pytest.raises(stage.StageError, match="does not take the input 'w'"):
        stage.bind(f, {"w": 1}, {}, {}, {})
    with pytest.raises(stage.StageError, match="takes 'y'"):
        stage.bind(f, {"x": 1}, {}, {"seed": 1}, {})


def test_comparison_says_identical_close_or_different(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    base = xr.Dataset({"x": ("i", np.array([1.0, np.nan]))})
    for folder, values in ((a, base), (b, base + 1e-13)):
        store.write(values, folder / "paper/close.zarr.zip")
        store.write(base, folder / "paper/same.zarr.zip")
    store.write(base, a / "paper/only.zarr.zip")
    store.write(base, a / "paper/off.zarr.zip")
    store.write(base + 1, b / "paper/off.zarr.zip")
    table = {name: verdict for name, verdict, _ in compare.compare_runs(a, b, 1e-9, 1e-12)}
    assert table == {
        "paper/close.zarr.zip": compare.CLOSE,
        "paper/same.zarr.zip": compare.IDENTICAL,
        "paper/only.zarr.zip": compare.DIFFERENT,
        "paper/off.zarr.zip": compare.DIFFERENT,
    }
    assert main(["compare", str(a), str(a)]) == 0
    assert main(["compare", str(a), str(b)]) == 1
    assert main(["compare", str(a), str(tmp_path / "nothing")]) == 1


def test_verdicts_depend_on_the_judge_and_other_results_do_not(tree):
    scripts = tree / "workflow/scripts"
    (scripts / "claims.py").write_text("def c1():\n    return {'q': 1}\n")
    before = [fingerprint.code_fingerprint(scripts / name, tree) for name in ("claims.py", "s.py")]
    (tree / "src/lib/atlas/job/claims.py").write_text("def judge():\n    return 2\n")
    assert _fingerprint(tree) == before[1]
    assert fingerprint.code_fingerprint(scripts / "claims.py", tree) != before[0]


def test_a_verb_loads_only_its_own_libraries_and_names_the_others(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(verb in text for verb in VERBS)
    for verb in VERBS:
        with pytest.raises(SystemExit) as end:
            main([verb, "--help"])
        assert end.value.code == 0
    with pytest.raises(SystemExit):
        main(["chekc"])  # codespell:ignore
