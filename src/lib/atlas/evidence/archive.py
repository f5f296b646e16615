"""Pack one figure or table with exactly what is needed to make it again.

Run as `python -m lib.atlas archive quadratic_network_theory` for `build/quadratic_network_theory-laptop.zip`: the
stores that the figure rests on, the scripts and modules behind them and no others, rules, parameters, the pinned
environment, the figure itself under `expected/`, and a Workflow Run RO-Crate that describes it all.
"""

import json
import sys
import tempfile
import zipfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.evidence import crate as crates
from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.state import states
from lib.atlas.names import ROOT
from lib.atlas.provenance import git_commit

ROOMS = ("workflow", "job")  # of lib.atlas, which rules and jobs reach beside what scripts import
_DATE = (1980, 1, 1, 0, 0, 0)
README = """# {rule} at {scale} scale

Everything that this {kind} rests on, and nothing else. On Linux with Python {python}:

    python3 -m venv .venv && .venv/bin/pip install -r requirements.lock
    .venv/bin/snakemake --cores 2 {rule} --config scale={scale}              # from the stores that lie here
    .venv/bin/snakemake --cores 2 --forceall {rule} --config scale={scale}   # from nothing
    cmp {made} {expected}

Equal bytes are promised with the pinned libraries on the same kind of machine, given the same data sets where the
paper needs any. `ro-crate-metadata.json` says what was made from what, with which parameters. Of the
paper's other stages the code is left out (`archive.json` lists it).
"""


def zip_folder(folder: Path, destination: Path) -> list[str]:
    """Write a folder's files as a zip that is the same on every writing; their modes are kept.

    Returns:
        Their names, in order.
    """
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    destination.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            entry = zipfile.ZipInfo(name, _DATE)
            runs = (folder / name).stat().st_mode & 0o100
            entry.external_attr, entry.compress_type = (0o755 if runs else 0o644) << 16, zipfile.ZIP_DEFLATED
            file.writestr(entry, (folder / name).read_bytes())
    return names


def pack(rule: str, scale: str, results: str, root: Path, destination: Path, folder: Path | None = None) -> list[str]:
    """Write the archive of one figure or table.

    Args:
        rule: target of the figure or table.
        scale, results: which run.
        root: the project's root folder.
        destination: the zip file.
        folder: what a relative `results` is relative to; the root by default.

    Returns:
        Names of the archive's files.

    Raises:
        ValueError: no such figure, or it is not up to date.
    """
    folder = folder or root
    plan = plans.read(root, scale, results)
    figures = {plans.maker(plan, path)[0]: path for paper in plan["papers"].values() for path in paper["figures"]}
    if rule not in figures:
        raise ValueError(f"{rule}: not a figure or table, expected one of {', '.join(sorted(figures))}")
    path = figures[rule]
    slug = next(slug for slug, paper in plan["papers"].items() if path in paper["figures"])
    files = states(plan, [path], folder, deep=True)
    made, expected = crates.within(path, plan), f"expected/{Path(path).name}"
    crate = crates.build(plan, files, folder, root, f"{rule} at {scale} scale", {path: expected})
    rules = {plans.maker(plan, one)[0] for one in files}
    scripts = {plans.script(plan, name, root) for name in rules}
    everything = sorted((root / "workflow/scripts" / slug).glob("*.py"))
    plumbing = [file for room in ROOMS for file in sorted((root / "src/lib/atlas" / room).glob("*.py"))]
    code = crates.code_of([*plumbing, *sorted((root / "workflow/scripts/audit").glob("*.py"))], root)
    supplied = [
        root / one
        for name in rules
        for entry in plan["rules"][name]["inputs"].values()
        for one in ([entry] if isinstance(entry, str) else entry)
        if plans.maker(plan, one)[0] is None and (root / one).is_file()
    ]
    for file in [*code, *supplied, root / "src/lib/__init__.py", root / "kernels/__init__.py"]:
        crates.add_code(crate, file, root, git_commit(root))
    left_out = [script.relative_to(root).as_posix() for script in everything if script not in scripts]
    content = {"rule": rule, "scale": scale, "makes": made, "left_out": left_out}
    crates.add_text(crate, "archive.json", json.dumps(content, indent=1) + "\n")
    text = README.format(
        rule=rule, scale=scale, kind="table" if path.endswith(".csv") else "figure",
        made=made, expected=expected,
        python=".".join(map(str, sys.version_info[:2])),
    )  # fmt: skip
    crates.add_text(crate, "README.md", text)
    with tempfile.TemporaryDirectory(prefix="atlas-archive-") as name:
        crate.write(name)
        return zip_folder(Path(name), destination)


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas archive`."""
    parser.add_argument("rule", help="the figure's or table's target, such as quadratic_network_theory")
    parser.add_argument("--scale", default="laptop")
    parser.add_argument("--results", default="results")
    parser.add_argument("--to", type=Path, help="the zip file; by default build/<rule>-<scale>.zip")


def main(options: Namespace) -> int:
    """Write the archive; return the exit status."""
    destination = options.to or ROOT / "build" / f"{options.rule}-{options.scale}.zip"
    names = pack(options.rule, options.scale, options.results, ROOT, destination)
    print(f"{destination}: {len(names)} files, {destination.stat().st_size / 1024:.0f} KiB")
    return 0
