"""A throw-away copy of the project, and Snakemake run in it as a user runs it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

# without a GPU Triton interprets its kernels; it decides when it is first imported, whichever test does that
os.environ.setdefault("TRITON_INTERPRET", "0" if shutil.which("nvidia-smi") else "1")

ROOT = Path(__file__).resolve().parents[1]
if "PYTEST_XDIST_WORKER" in os.environ:  # workers beside each other compute on one thread each, as jobs do
    os.environ |= dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    )
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "numba"))  # what a run of the workflow compiled

TOY = ROOT / "tests" / "workflow" / "toy"
CODE = ("Snakefile", "config", "profiles", "slurm", "workflow", "src", "kernels", "resources")
# kept under the hash of what was read: with it a copy need not read all papers, modules and fonts anew
REMEMBERED = ("fingerprints.json", "papers-*.json", "matplotlib/*.json")


@dataclass
class Copy:
    """A copy of the project in which a test may break things."""

    root: Path

    def slugs(self) -> set[str]:
        """Names of its papers."""
        return {file.stem for file in (self.root / "config/papers").glob("*.yaml")}

    def again(self, folder: Path) -> "Copy":
        """A copy of it in another folder, times of files and records of Snakemake included."""
        shutil.copytree(self.root, folder, symlinks=True)
        return Copy(folder)

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LINEAR_ATLAS", "SLURM_"))}
        return kept | {"NUMBA_CACHE_DIR": str(ROOT / ".cache" / "numba"), "PYTHONPATH": ""}

    def snakemake(self, *arguments: str, cores: int = 2, check: bool = True, scale: str = "smoke"):
        config = [] if "--config" in arguments else ["--config", f"scale={scale}"]
        done = subprocess.run(
            self.command(*arguments, *config, cores=cores),
            cwd=self.root, env=self.environment(), capture_output=True, text=True,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen:
        """A smoke run in the background, in a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments, "--config", "scale=smoke"), cwd=self.root, env=self.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def python(self, *arguments: str) -> subprocess.CompletedProcess:
        """`python -m` of one of the copy's own modules."""
        path = os.pathsep.join([str(self.root / "src"), str(self.root)])
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.root, env={**self.environment(), "PYTHONPATH": path},
            capture_output=True, text=True,
        )  # fmt: skip

    def planned(self, *arguments: str) -> set[str]:
        """Rules that a run would execute now, `all` left out."""
        done = self.snakemake("--dry-run", *arguments)
        return set(re.findall(r"^(?:local)?rule (\w+):", done.stdout + done.stderr, re.MULTILINE)) - {"all"}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new))


def sampled(slugs: set[str]) -> list[str]:
    """The papers of a second run: all, or as many as LINEAR_ATLAS_SAMPLE says, chosen by the commit."""
    count = int(os.environ.get("LINEAR_ATLAS_SAMPLE") or len(slugs))
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    commit = done.stdout.strip()
    order = sorted(slugs, key=lambda slug: hashlib.sha256(f"{commit} {slug}".encode()).hexdigest())
    return sorted(order[:count])


def expect_identical(first: Path, second: Path) -> None:
    """Stores, figures, tables and claims of a paper are the same in two folders; of measured times, the layout."""
    from lib.atlas.evidence import compare

    table = compare.compare_runs(first, second, 0, 0)
    assert len(table) > 3
    assert [row for row in table if row[1] not in (compare.IDENTICAL, compare.TIMED)] == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let workers begin with the files that run Snakemake, which take longest."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: "workflow" not in item.keywords)


def wait_for(condition: Callable, seconds: float = 60, what: str = "a condition", every: float = 0.05):
    """Poll until `condition` gives something true, and return it; too long a wait is a failure."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(every)
    return found


def _copy(destination: Path, papers: bool) -> Copy:
    destination.mkdir()
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, destination / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        elif source.exists():
            shutil.copy(source, destination / name)
    for source in (file for pattern in REMEMBERED for file in (ROOT / ".cache").glob(pattern)):
        target = destination / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    if not papers:
        for file in (ROOT / "config/papers").glob("*.yaml"):
            (destination / "config/papers" / file.name).unlink()
        shutil.copytree(TOY, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return Copy(destination)


@pytest.fixture
def toy(tmp_path: Path) -> Copy:
    """The workflow with one toy paper instead of the real ones."""
    return _copy(tmp_path / "atlas", papers=False)


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory) -> Copy:
    """As `toy`, all its targets made at smoke scale; to be copied, not changed."""
    copy = _copy(tmp_path_factory.mktemp("finished") / "atlas", papers=False)
    copy.snakemake()
    return copy


@pytest.fixture
def made(finished_toy: Copy, tmp_path: Path) -> Copy:
    """A copy of `finished_toy` in which a test may break things."""
    return finished_toy.again(tmp_path / "atlas")


@pytest.fixture
def project(tmp_path: Path) -> Copy:
    """The workflow with all its papers."""
    return _copy(tmp_path / "atlas", papers=True)


def finished() -> Path | None:
    """The project's own results at smoke scale, if nothing is left to do there: a run that need not be made again."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--config", "scale=smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    whole = done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr
    return ROOT / "results" / "smoke" if whole else None


@pytest.fixture(scope="session")
def finished_smoke() -> Path | None:
    """As `finished`."""
    return finished()


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory, finished_smoke) -> Copy:
    """The whole workflow at smoke scale, run once for all tests: the project itself where that run is finished."""
    if finished_smoke is not None:
        return Copy(ROOT)
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    with FileLock(shared / "papers.lock"):  # the first worker makes it, the others wait
        place = shared / "papers"
        copy = Copy(place) if place.exists() else _copy(place, papers=True)
        copy.snakemake()
    return copy
