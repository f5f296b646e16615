"""Snakemake's report of a run as one zip file, with the audit's pages and what they show beside it.

`index.html` in it leads to the audit and to the report, which open from the unpacked file without a server. A report
that is one HTML file cannot hold those pages: browsers refuse to open large pages that are data of another.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.names import ROOT
from lib.atlas.workflow.place import check_own

START = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Linear Atlas</title></head>
<body><h1>Linear Atlas</h1>
<ul><li><a href="audit/index.html">The audit</a>: every claim beside what was measured.</li>
<li><a href="report.html">Snakemake's report</a>: figures by paper, rules, times.</li></ul></body></html>
"""
PAGES = ("audit/*.html", "audit/claims.csv", "*/figures/*.svg", "*/figures/*.png", "*/tables/*.csv")


def pack(results: Path, destination: Path, root: Path = ROOT) -> list[str]:
    """Write the report of a run and add the audit's pages, figures and tables.

    Args:
        results: of one scale, finished.
        destination: the zip file; what is inside lies in a folder of its name.
        root: the project's root folder.

    Returns:
        Names of what was added.

    Raises:
        ValueError: no audit there, or Snakemake refuses the report.
    """
    if not (results / "audit/index.html").exists():
        raise ValueError(f"{results}: got no audit, expected a finished run")
    folder = results.resolve()
    parent = folder.parent.relative_to(root) if folder.is_relative_to(root) else folder.parent
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--directory", str(root)]
    command += ["--config", f"scale={folder.name}", f"results={parent.as_posix()}"]
    with tempfile.TemporaryDirectory(prefix="atlas-report-") as name:
        part = Path(name) / f"{destination.stem}.zip"
        done = subprocess.run([*command, "--report", str(part)], capture_output=True, text=True)
        if done.returncode or not part.exists():
            words = [line for line in done.stderr.splitlines() if line.strip()]
            raise ValueError(f"{results}: Snakemake writes no report: {words[-1] if words else 'it says nothing'}")
        files = sorted({file for pattern in PAGES for file in folder.glob(pattern)})
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, f"{destination.stem}/{file.relative_to(folder).as_posix()}")
            archive.writestr(f"{destination.stem}/index.html", START)
        shutil.move(part, destination)
    return [file.relative_to(folder).as_posix() for file in files]


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas report`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("--to", type=Path, help="the zip file; by default report.zip in the results")


def main(options: Namespace) -> int:
    """Write the report; return the exit status."""
    check_own(options.results)
    destination = options.to or options.results / "report.zip"
    names = pack(options.results, destination)
    size = destination.stat().st_size / 2**20
    print(f"Report: {destination}, {len(names)} pages, figures and tables, {size:.0f} MiB")
    return 0
