"""CPU seconds in which Snakemake reads the rules and plans a run, with the papers of now and with copies of them."""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "config", "kernels", "profiles", "resources", "src", "workflow")
COMMANDS = {"--list-rules": ["--list-rules"], "dry run of all": ["--dry-run", "--quiet", "--cores", "2", "all"]}


def add_copy(root: Path, slug: str, name: str) -> None:
    """Add a paper's files once more, under another name."""
    for folder in ("config/papers", "workflow/schemas/papers"):
        shutil.copy(root / folder / f"{slug}.yaml", root / folder / f"{name}.yaml")
    rules = (root / f"workflow/rules/{slug}.smk").read_text()
    rules = rules.replace(slug, name).replace(slug.upper(), name.upper())
    (root / f"workflow/rules/{name}.smk").write_text(rules)
    shutil.copytree(root / "workflow/scripts" / slug, root / "workflow/scripts" / name)


def cpu_seconds(root: Path, arguments: list[str]) -> float:
    """CPU time of one start of Snakemake, of its children too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "snakemake", *arguments], cwd=root, check=True, capture_output=True,
                   env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"})  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="how many papers for each that is there")
    parser.add_argument("--repeats", type=int, default=3, help="starts, of which the shortest counts")
    options = parser.parse_args()
    slugs = sorted(file.stem for file in (ROOT / "config/papers").glob("*.yaml"))
    with tempfile.TemporaryDirectory(prefix="atlas-bench-") as folder:
        root = Path(folder)
        for name in PARTS:
            source = ROOT / name
            ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, root / name, ignore=ignore) if source.is_dir() else shutil.copy(source, root / name)
        for times in sorted({1, options.times}):
            for copy in range(1, times):
                for slug in slugs:
                    add_copy(root, slug, f"copy{copy}_{slug}")
            for words, arguments in COMMANDS.items():
                cpu_seconds(root, arguments)  # the first start fills the caches
                seconds = min(cpu_seconds(root, arguments) for _ in range(options.repeats))
                print(f"{len(slugs) * times:3d} papers, {words}: {seconds:.2f} s of CPU")


if __name__ == "__main__":
    main()
