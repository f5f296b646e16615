"""The environment of a clone that was moved or copied, and folders in which no job could start."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lib.atlas.workflow import place, venv

ROOT = Path(__file__).resolve().parents[2]


def make_env(root: Path) -> str:
    """`make env` in a tree; what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "lib.atlas.workflow.venv"],
        cwd=root,
        env={"PYTHONPATH": f"{root}/src", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def own_modules(root: Path) -> str:
    """Where the environment of a tree takes `lib` from, asked from elsewhere."""
    command = [root / ".venv/bin/python", "-c", "import lib.atlas; print(lib.atlas.__file__)"]
    return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=True).stdout.strip()


def pip_location(root: Path) -> str:
    """Which environment the console script `pip` of a tree belongs to."""
    done = subprocess.run([root / ".venv/bin/pip", "--version"], cwd="/", env={}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_moved_and_a_copied_clone_have_an_environment_of_their_own(tmp_path):
    first, moved, copied = (tmp_path / name for name in ("first", "moved", "copied"))
    plumbing = shutil.ignore_patterns("__pycache__", "[a-z]*.py")
    shutil.copytree(ROOT / "src/lib/atlas", first / "src/lib/atlas", ignore=plumbing)
    shutil.copy(ROOT / "src/lib/__init__.py", first / "src/lib")
    for module in (place, venv):
        shutil.copy(module.__file__, first / "src/lib/atlas/workflow")
    (first / venv.LOCK).write_text("# nothing to install\n")

    make_env(first)
    assert make_env(first) == ""
    assert own_modules(first) == f"{first}/src/lib/atlas/__init__.py"

    first.rename(moved)
    assert f"from {moved}/" in pip_location(moved)
    assert f"built in {first}; mending" in make_env(moved)
    assert make_env(moved) == ""
    assert f'VIRTUAL_ENV="{moved}/.venv"' in (moved / ".venv/bin/activate").read_text().replace("'", '"')

    shutil.copytree(moved, copied, symlinks=True)
    assert own_modules(copied) == f"{copied}/src/lib/atlas/__init__.py"
    assert f"from {copied}/" in pip_location(copied)

    shutil.rmtree(copied / ".venv/bin")
    make_env(copied)
    assert own_modules(copied) == f"{copied}/src/lib/atlas/__init__.py"


def test_a_changed_lock_file_is_noticed(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(venv.subprocess, "run", lambda command, **_: calls.append(list(map(str, command))))
    monkeypatch.setattr(venv, "_answers", lambda python: True)
    (tmp_path / ".venv").mkdir()
    (tmp_path / venv.LOCK).write_text("numpy==2.0.0\n")
    stamp = tmp_path / ".venv" / venv.STAMP
    stamp.write_text(json.dumps({"folder": str(tmp_path), venv.LOCK: "hash of another file"}))
    with pytest.raises(AttributeError):  # the replaced `run` returns nothing that could be read
        venv.build(tmp_path)
    assert calls[0][-2:] == ["--requirement", f"{tmp_path}/{venv.LOCK}"]
    assert not stamp.exists()  # an interrupted installation is not taken for a whole one


@pytest.mark.parametrize("script", ["#!{python}\n", "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n"])
def test_console_scripts_start_the_python_beside_them(tmp_path, script):
    file = tmp_path / "tool"
    file.write_text(script.format(python="/elsewhere/.venv/bin/python3.11") + "import sys\nprint(sys.argv[1:])\n")
    file.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    venv.relocate_scripts(tmp_path)
    assert subprocess.run([file, "a b"], capture_output=True, text=True, check=True).stdout == "['a b']\n"


@pytest.mark.parametrize("character", " \n" + place.CHARACTERS)
def test_folders_in_which_no_job_could_start(character):
    with pytest.raises(ValueError, match=r"got .* in the path, expected no space"):
        place.check(Path(f"/home/a{character}b"))
    with pytest.raises(ValueError, match="in the path"):
        place.check(place.ROOT, Path(f"/home/a{character}b/.venv/bin/python"))


@pytest.mark.workflow
@pytest.mark.parametrize("name", ["my papers", "a{b"])
def test_the_workflow_refuses_such_a_folder_before_any_job(toy, name):
    toy.root = toy.root.rename(toy.root.with_name(name))
    done = toy.snakemake("toy", check=False)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("linear atlas: ")] == done.stderr.splitlines()[
        -1:
    ]
    assert not (toy.root / "results").exists()


def test_letters_of_any_alphabet_and_harmless_signs_are_accepted():
    place.check(place.ROOT, Path("/home/zoë/[linear]-atlas_2+3=5,~#@%/.venv/bin/python"))


@pytest.mark.workflow
def test_a_workflow_with_the_modules_of_another_tree_is_refused(toy):
    with pytest.raises(ValueError, match="this tree's own"):
        place.check(toy.root)


def test_results_of_another_tree_are_refused(toy, tmp_path):
    results = toy.root / "results/smoke"
    with pytest.raises(ValueError, match="results of the tree"):
        place.check_own(results)
    place.check_own(results, toy.root)
    place.check_own(tmp_path / "scratch/results/smoke")  # in no tree at all: made elsewhere and carried here


def test_a_changed_lock_file_changes_the_conda_environment():
    lock = (ROOT / venv.LOCK).read_text()
    file = (ROOT / venv.CONDA).read_text()
    assert file == venv.conda_environment(lock)  # else: make conda
    (pip,) = [entry["pip"] for entry in yaml.safe_load(file)["dependencies"] if isinstance(entry, dict)]
    assert pip == [line for line in lock.splitlines() if "==" in line]
    assert venv.conda_environment(lock.replace("codespell==2", "codespell==3")) != file
