"""Do verdicts hold under other root seeds, and on other machines?

Run as `python -m lib.atlas stability --seeds 5 --papers h_chromatic` (`make stability SEEDS=5 PAPERS=h_chromatic`).
Each paper's claims are made again under other root seeds, side by side in `results-seeds/<root seed>/<scale>`; the run
under the configured root seed is the ordinary one. A store into which no root seed enters, by what its rule and those
beneath it declare, and which holds no measured times is copied from there. `--first` adds results that were made
elsewhere. Paper by paper, cheap ones first, the runs are kept with the project (`lib.atlas.evidence.runs`) and
`docs/stability.md` is written from them. A run that was killed carries on with the same command.
"""

import json
import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path

from lib.atlas import alive
from lib.atlas.evidence import costs, runs
from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.stability_document import DOCUMENT, document, outcome
from lib.atlas.evidence.state import DONE, states
from lib.atlas.job import store
from lib.atlas.names import KEPT_RUNS, ROOT, SCALES
from lib.atlas.provenance import machine
from lib.atlas.workflow.config import CONFIG, load_yaml
from lib.atlas.workflow.patterns import fill

SEEDS, FOLDER = 5, "results-seeds"
INTERRUPTED = 130


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Args:
        scale: of all runs.
        seeds: root seeds.
        papers: slugs, in the order in which they run.
        first: folders of results of this scale that were made elsewhere.
        results: folder of the ordinary results.
        configured: root seed of the ordinary results.
        cores: for Snakemake.
        config: further `key=value`.
    """

    scale: str
    seeds: list[int]
    papers: list[str]
    first: list[Path]
    results: str
    configured: int
    cores: int
    config: list[str]

    def folder(self, seed: int) -> str:
        """Results folder of a root seed, relative to the project's root."""
        return self.results if seed == self.configured else f"{FOLDER}/{seed}"


def _whole(text: str, name: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise ValueError(f"{name}: got {text!r}, expected a whole number of at least {least}")
    return value


def _elsewhere(first: list[str], scale: str) -> list[Path]:
    """Folders of results at a scale: each may be given itself, or the folder of all results above it."""
    folders = [Path(one).expanduser() / scale for one in first]
    folders = [folder if folder.is_dir() else folder.parent for folder in folders]
    for folder in folders:
        contents = runs.load(folder)
        if other := {content["scale"] for content in contents.values()} - {scale}:
            raise ValueError(f"{folder}: got claims at {', '.join(sorted(other))} scale, expected {scale}")
    return folders


def request(options: Namespace, root: Path) -> Request:
    """Check what is asked for.

    Raises:
        ValueError: one line with the name, what came and what was expected.
    """
    if options.scale not in SCALES:
        raise ValueError(f"SCALE: got {options.scale!r}, expected one of {', '.join(SCALES)}")
    known = sorted(file.stem for file in (root / "config/papers").glob("*.yaml"))
    papers = [slug for text in options.papers for slug in text.replace(",", " ").split()] or known
    for slug in papers:
        if slug not in known:
            raise ValueError(f"PAPERS: got {slug!r}, expected some of {', '.join(known)}")
    first = [one for text in options.first for one in text.split()]
    seeds = _whole(options.seeds, "SEEDS", 1 if first else 2) if options.seeds else (1 if first else SEEDS)
    configured = load_yaml(root / "config/config.yaml", CONFIG).get("root_seed", 0)
    folder = root / options.results / options.scale

    def spent(slug: str) -> float:
        return costs.totals(costs.measured(folder / slug))["cpu"]

    return Request(
        scale=options.scale,
        seeds=[configured, *(seed for seed in range(seeds) if seed != configured)][:seeds],
        papers=sorted(dict.fromkeys(papers), key=spent),
        first=_elsewhere(first, options.scale),
        results=options.results,
        configured=configured,
        cores=_whole(options.cores, "CORES", 1),
        config=options.config,
    )


def moved(plan: dict, folder: str, seed: int) -> dict:
    """The plan of a run into another results folder under another root seed.

    Args:
        plan: of the ordinary run.
        folder: results folder of the other one.
        seed: its root seed.
    """
    before, after = (json.dumps(f"{one}/{plan['scale']}/")[:-1] for one in (plan["results"], folder))
    other = json.loads(json.dumps(plan).replace(before, after)) | {"results": folder}
    for rule in other["rules"].values():
        if "root_seed" in rule:
            rule["root_seed"] = seed
    return other


def seedless(plan: dict, slug: str) -> list[str]:
    """Stores of a paper into which no root seed enters, by what their rules and those beneath them declare."""
    free: dict[str, bool] = {}
    for path in plans.files(plan, slug):  # inputs come first
        name, wildcards = plans.maker(plan, path)
        rule = plan["rules"][name]
        inputs = [fill(one, wildcards) for e in rule["inputs"].values() for one in ([e] if isinstance(e, str) else e)]
        free[path] = "root_seed" not in rule and not rule["open_inputs"] and all(free.get(one, True) for one in inputs)
    return [path for path, is_free in free.items() if is_free and path.endswith(store.SUFFIX)]


def prepare(plan: dict, request: Request, slug: str, seed: int, root: Path) -> int:
    """Make a results folder ready for a root seed: take away what is stale, copy stores into which no seed enters.

    Copies carry no record of Snakemake's, so what they are is checked here, by what they say of themselves.

    Args:
        plan: of the ordinary run, whose stores of this paper are there.
        request, root: as of `make`.
        slug: the paper.
        seed: not the configured one.

    Returns:
        Number of stores that were copied.
    """
    other = moved(plan, request.folder(seed), seed)
    here, there = (f"{one['results']}/{plan['scale']}/" for one in (plan, other))
    known = states(other, [other["papers"][slug]["claims"]], root, deep=False)
    for path, state in known.items():
        if state.kind != DONE:
            (root / path).unlink(missing_ok=True)
    copies = 0
    ours = states(plan, [plan["papers"][slug]["claims"]], root, deep=False)
    for path in seedless(plan, slug):
        if path not in ours or ours[path].kind != DONE or ours[path].record.get("timing"):
            continue
        target = root / there / path.removeprefix(here)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.tmp")
            shutil.copy2(root / path, part)
            part.replace(target)
            copies += 1
    return copies


def _snakemake(request: Request, slug: str, seed: int, root: Path) -> int:
    """Make the claims of one paper under one root seed; Snakemake's exit status."""
    folder = request.folder(seed)
    command = [sys.executable, "-m", "snakemake", f"{folder}/{request.scale}/{slug}/claims.json"]
    command += ["--cores", str(request.cores), "--logger", "atlas", "--config", f"scale={request.scale}"]
    command += [f"results={folder}", f"root_seed={seed}", *request.config]
    process = subprocess.Popen(command, cwd=root)
    try:
        return process.wait()
    except KeyboardInterrupt:  # it got the signal too, and ends its jobs
        process.wait()
        raise


def _failure(folder: Path) -> str:
    """The first stage whose log ends in an error, and that error; empty where there is none."""
    for log in sorted((folder / "logs").rglob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if "Traceback (most recent call last):" in lines:
            return f"{log.stem}: {lines[-1]}"
    return ""


def _one(request: Request, slug: str, seed: int, root: Path) -> dict:
    """Run one paper under one root seed, and what is kept of it."""
    folder = root / request.folder(seed) / request.scale / slug
    status = _snakemake(request, slug, seed, root)
    if status in (INTERRUPTED, -2):
        raise KeyboardInterrupt
    if status == 0:
        return runs.record(runs.content_of(folder / "claims.json"), costs.totals(costs.measured(folder)))
    reason = _failure(folder)
    if not reason:
        raise ValueError(
            f"{slug}, root seed {seed}: Snakemake ended with status {status} and no stage failed; see above"
        )
    print(f"linear atlas: {slug}, root seed {seed}: no verdicts ({reason})", file=sys.stderr)
    return {"root_seed": seed, "processor": machine(root)["processor"], "commit": "", "failed": reason, "claims": {}}


def run_paper(request: Request, slug: str, root: Path, say=print) -> list[dict]:
    """Run one paper under all root seeds, add results from elsewhere, and keep them.

    Args:
        request: what is asked for.
        slug: the paper.
        root: the project's root folder.
        say: what a line of progress is handed to.

    Returns:
        All kept runs of this paper at this scale.
    """
    new, plan = [], None
    for index, seed in enumerate(request.seeds):
        words = f"{slug}, root seed {seed} ({index + 1} of {len(request.seeds)})"
        if seed != request.configured:
            plan = plan or plans.read(root, request.scale, request.results, request.config)
            copies = prepare(plan, request, slug, seed, root)
            words += f": {copies} stores into which no seed enters are copied" if copies else ""
        say(words)
        new.append(_one(request, slug, seed, root))
    for folder in request.first:
        file = folder / slug / "claims.json"
        if not file.exists():
            say(f"{folder}: has no claims of {slug}")
            continue
        record = runs.record(runs.content_of(file), costs.totals(costs.measured(folder / slug)))
        if any(runs.same_run(record, one) for one in new):
            say(f"{folder}: {slug} has the root seed and processor of another of these runs, and does not count twice")
        else:
            new.append(record)
    file = runs.path(root, request.scale, slug)
    kept = runs.merged(runs.read(file), new)
    runs.write(file, kept)
    (root / DOCUMENT).parent.mkdir(exist_ok=True)
    (root / DOCUMENT).write_text(document(root), encoding="utf-8")
    return kept


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas stability`."""
    parser.add_argument("--scale", default="laptop", help="scale of all runs")
    parser.add_argument("--seeds", default="", help=f"how many root seeds: {SEEDS}, or 1 with --first, where left out")
    parser.add_argument("--papers", nargs="*", default=[], metavar="PAPER", help="all where left out")
    parser.add_argument("--first", nargs="*", default=[], metavar="RESULTS", help="results that were made elsewhere")
    parser.add_argument("--results", default="results", help="folder of the ordinary results")
    parser.add_argument("--cores", default=str(os.cpu_count()), help="for Snakemake")
    parser.add_argument(
        "--config", nargs="*", default=[], metavar="KEY=VALUE", help="further configuration of the runs"
    )


def main(options: Namespace) -> int:
    """Run, keep and write; return the exit status: 1 where a run gave no verdicts."""
    asked = request(options, ROOT)
    if not alive.nobody(ROOT / alive.FOLDER):
        raise ValueError("a run is at work in this folder; wait until it ends, then type the same command")
    failed = False
    try:
        for index, slug in enumerate(asked.papers):
            print(f"linear atlas: {slug}, paper {index + 1} of {len(asked.papers)}", flush=True)
            kept = run_paper(asked, slug, ROOT, lambda line: print(f"linear atlas: {line}", flush=True))
            failed |= any("failed" in run for run in kept)
            print(f"linear atlas: {outcome(slug, asked.scale, kept, ROOT)}", flush=True)
    except KeyboardInterrupt:
        print("linear atlas: interrupted; the same command carries on", file=sys.stderr)
        return INTERRUPTED
    print(f"{DOCUMENT} and {KEPT_RUNS}/{asked.scale} are written; `make` puts the marks on the pages of the audit")
    return int(failed)
