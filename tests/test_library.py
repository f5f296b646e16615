"""The wheel `linear_atlas`: its names, its dependencies, and the page "Use a function" run on it."""

import ast
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lib.atlas.__main__ import VERBS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/library.md"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
# a peer on GPUs, timed where it is installed, and backbones
NOT_INSTALLED = {"fla": ["flash-linear-attention"], "timm": ["timm"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what it is built from."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("src/lib", "kernels"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def modules(wheel) -> dict[str, ast.Module]:
    """Syntax trees of the wheel's modules by their paths."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        return {name: ast.parse(archive.read(name)) for name in names}


@pytest.fixture(scope="module")
def requirements(wheel) -> list[Requirement]:
    """What the wheel depends on, extras included."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    return [Requirement(text) for text in metadata.get_all("Requires-Dist")]


def imported(tree: ast.Module) -> set[str]:
    """Top-level packages that a module imports anywhere."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_one_top_level_name(wheel):
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
    assert sorted(name for name in top if not name.endswith(".dist-info")) == ["linear_atlas"]


def test_every_subject_and_every_kernel_is_in_the_wheel(modules):
    subjects = {f"linear_atlas/{path.parent.name}/{path.name}" for path in ROOT.glob("src/lib/*/*.py")}
    kernels = {f"linear_atlas/{path.relative_to(ROOT)}" for path in ROOT.glob("kernels/**/*.py")}
    assert {name for name in subjects if "/atlas/" not in name} | kernels <= modules.keys()


def test_imports_carry_the_new_names(modules):
    assert not [name for name, tree in modules.items() if imported(tree) & {"lib", "kernels"}]


def test_the_workflow_is_not_in_the_wheel(modules):
    assert "snakemake" not in set().union(*map(imported, modules.values()))


def test_every_import_is_a_declared_dependency(modules, requirements):
    declared = {canonicalize_name(requirement.name) for requirement in requirements}
    distributions = packages_distributions() | NOT_INSTALLED
    foreign = {
        (package, name)
        for name, tree in modules.items()
        for package in imported(tree) - sys.stdlib_module_names - {"linear_atlas"}
    }
    undeclared = {
        (package, name)
        for package, name in foreign
        if not declared & {canonicalize_name(distribution) for distribution in distributions[package]}
    }
    assert not undeclared


def test_the_locked_versions_are_within_the_declared_ranges(requirements):
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    locked = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    ours = [requirement for requirement in requirements if canonicalize_name(requirement.name) in locked]
    assert len(ours) > 10
    assert not [str(r) for r in ours if locked[canonicalize_name(r.name)] not in r.specifier]


def test_the_page_has_a_section_for_every_subject():
    folders = {path.parent.name for path in ROOT.glob("src/lib/*/__init__.py")} - {"atlas"} | {"kernels"}
    page = PAGE.read_text(encoding="utf-8")
    sections = {name for heading in re.findall(r"^## (.*)$", page, re.MULTILINE) for name in heading.split(" and ")}
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert folders <= sections
    assert folders <= set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| \[.*?\) \|", page, re.MULTILINE))))


def test_the_page_has_every_command():
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+) \S+", page.partition("## commands")[2], re.MULTILINE) == list(VERBS)
    commands = {
        path.relative_to(ROOT / "src/lib") for path in ROOT.glob("src/lib/*/*.py") if "__main__" in path.read_text()
    }
    names = {".".join(path.with_suffix("").parts) for path in commands if path.parts[0] != "atlas"}
    assert names == set(re.findall(r"^python -m linear_atlas\.([\w.]+)", page, re.MULTILINE))


def agree(output: str, expected: str) -> bool:
    """Whether two outputs differ at most in the last digits of their numbers."""
    numbers = [[float(text) for text in NUMBER.findall(side)] for side in (output, expected)]
    words = [NUMBER.sub("#", side).split() for side in (output, expected)]
    return words[0] == words[1] and all(math.isclose(a, b, rel_tol=0.02, abs_tol=0.02) for a, b in zip(*numbers))


def test_the_examples_run_on_the_installed_wheel(wheel, tmp_path):
    """An environment of its own that sees the installed dependencies, and not the tree."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip())
    shared = subprocess.run([sys.executable, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", own, wheel]
    subprocess.run(install, check=True)
    (own / "shared.pth").write_text(shared + "\n")  # a folder on the path whose own .pth files are not read

    alone = {
        "cwd": tmp_path,
        "env": {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        "capture_output": True,
        "text": True,
    }
    assert "No module named 'lib'" in subprocess.run([python, "-c", "import lib"], **alone).stderr
    done = subprocess.run([python, ROOT / "tests/library_examples.py", PAGE], **alone)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == PAGE.read_text(encoding="utf-8").count("```python")
    wrong = [
        f"{heading}: expected\n{expected}got\n{out}" for heading, expected, out in results if not agree(out, expected)
    ]
    assert not wrong, "\n".join(wrong)
