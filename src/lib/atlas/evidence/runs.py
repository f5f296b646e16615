"""Runs that are kept with the project: of every claim the verdict and what its rules judge, by root seed and processor.

`resources/measured/runs/<scale>/<slug>.json` holds the runs of one paper at one scale. From them the audit shows each
quantity at other scales, and how often a claim holds under other root seeds and on other machines. `make claims`,
`make keep` and `make stability` write them; every audit page names them as inputs.

A kept claim says by which rules it was judged (their text), by which function it was measured and from which
experiment: fingerprints of the code and parameters behind its stores. Where these differ from a run at hand, the kept
numbers are of an earlier rule or of earlier code, and say so.
"""

import hashlib
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from lib.atlas.evidence import costs
from lib.atlas.job.claims import NOT_EVALUATED, NOT_REPRODUCED, REPRODUCED
from lib.atlas.names import KEPT_RUNS, ROOT, SCALES, listed
from lib.atlas.workflow.place import check_own

JUDGED = (REPRODUCED, NOT_REPRODUCED, NOT_EVALUATED)
EARLIER_RULE, EARLIER_CODE = "an earlier rule", "earlier code"
_KEPT = ("kind", "value", "se", "low", "high", "labels", "n", "units")


def path(root: Path, scale: str, slug: str) -> Path:
    """The file of one paper's kept runs at one scale."""
    return root / KEPT_RUNS / scale / f"{slug}.json"


def paths(root: Path, slug: str) -> list[Path]:
    """The files of one paper's kept runs that are there, from the smallest scale on."""
    return [file for scale in SCALES if (file := path(root, scale, slug)).exists()]


def _entries(inputs: dict) -> Iterator[dict]:
    """Every record of a lineage: of the inputs, and of theirs."""
    for value in inputs.values():
        for entry in listed(value):
            yield entry
            yield from _entries(entry.get("inputs", {}))


def _experiment(inputs: dict) -> dict:
    """What a lineage says of code and parameters, without seeds, digests and commits."""

    def cut(entry: dict) -> dict:
        keys = ("store", "stage", "code", "parameters", "sha256")
        return {key: entry[key] for key in keys if key in entry} | {"inputs": _experiment(entry.get("inputs", {}))}

    return {name: [cut(one) for one in listed(v)] for name, v in sorted(inputs.items())}


def _inputs(claim: dict, provenance: dict) -> dict:
    return {name: provenance["inputs"][name] for name in claim["rests_on"]}


def experiment(claim: dict, provenance: dict) -> str:
    """Fingerprint of everything behind a claim's stores but the root seed.

    Args:
        claim: an entry of `claims.json`.
        provenance: of that file.
    """
    text = json.dumps([_experiment(_inputs(claim, provenance)), provenance["parameters"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def root_seed(provenance: dict) -> int | None:
    """The root seed of everything that a paper's claims rest on; None where nothing takes one.

    Raises:
        ValueError: stores of several root seeds in one run.
    """
    seeds = {one["root_seed"] for one in [provenance, *_entries(provenance["inputs"])] if "root_seed" in one}
    if len(seeds) > 1:
        raise ValueError(
            f"{provenance['paper']}: got stores of the root seeds {sorted(seeds)} in one run, expected one"
        )
    return seeds.pop() if seeds else None


def judged(claim: dict) -> dict:
    """Quantities of a claim that its rules and gate judge, without what only a single run's page shows."""
    names = dict.fromkeys(check["rule"].split(" ")[0] for check in [*claim["pass"], *claim["gate"]])
    quantities = claim["quantities"]
    return {
        name: {key: quantities[name][key] for key in _KEPT if key in quantities[name]}
        for name in names
        if name in quantities
    }


def record(content: dict, cost: dict | None = None) -> dict:
    """What is kept of a paper's run.

    Args:
        content: of its `claims.json`.
        cost: its CPU seconds (`cpu`) and peak memory in MB (`memory`), where they are known.

    Raises:
        ValueError: stores of several root seeds in one run.
    """
    provenance = content["provenance"]
    seeded = "root_seed" in provenance
    claims = {}
    for claim in content["claims"]:
        lineage = _entries(_inputs(claim, provenance))
        claims[claim["id"]] = {
            "verdict": claim["verdict"],
            "firm": claim["firm"],
            "rules": [check["rule"] for check in claim["pass"]],
            "gate": [check["rule"] for check in claim["gate"]],
            "function": claim.get("function", ""),
            "experiment": experiment(claim, provenance),
            "seeded": seeded or any("root_seed" in entry for entry in lineage),
            "timing": claim.get("timing", False),
            "quantities": judged(claim),
        }
    spent = {key: round(cost[key], 1) for key in ("cpu", "memory")} if cost and cost["jobs"] else {}
    return {
        "root_seed": root_seed(provenance),
        "processor": provenance.get("machine", {}).get("processor", "unknown"),
        "blas": provenance.get("machine", {}).get("blas", []),
        "libraries": provenance["libraries"],
        "commit": provenance["commit"],
        **spent,
        "claims": claims,
    }


def differs(ours: dict, theirs: dict) -> str:
    """Why a kept claim does not count beside another: an earlier rule, earlier code, or nothing ("")."""
    if any(ours[key] != theirs[key] for key in ("rules", "gate")):
        return EARLIER_RULE
    return EARLIER_CODE if any(ours[key] != theirs[key] for key in ("function", "experiment")) else ""


def same_run(one: dict, other: dict) -> bool:
    """Whether two records are of the same root seed and processor."""
    return all(one[key] == other[key] for key in ("root_seed", "processor"))


def merged(kept: list[dict], new: list[dict]) -> list[dict]:
    """Kept runs with further ones behind them.

    A run of the same root seed and processor is replaced, and one of which no claim counts any more is dropped.
    """
    latest = next((run for run in reversed(new) if run["claims"]), None)

    def counts(run: dict) -> bool:
        pairs = [(ours, run["claims"][name]) for name, ours in latest["claims"].items() if name in run["claims"]]
        return any(not differs(ours, theirs) for ours, theirs in pairs)

    others = [run for run in kept if not any(same_run(run, one) for one in new)]
    return [run for run in others if latest is None or counts(run)] + new


def contents(file: Path) -> dict:
    """A file of kept runs: `paper`, `scale` and `runs`.

    Raises:
        ValueError: a file that holds something else.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if (content["scale"], content["paper"]) != (file.parent.name, file.stem):
            raise ValueError(f"runs of {content['paper']} at {content['scale']} scale")
        for run in content["runs"]:
            run["root_seed"], run["processor"], run["claims"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        words = f"{type(error).__name__}: {error}"
        raise ValueError(f"{file}: got no kept runs ({words}), expected what `make stability` writes") from None
    return content


def read(file: Path) -> list[dict]:
    """Kept runs of one paper at one scale; none where there is no file.

    Raises:
        ValueError: as of `contents`.
    """
    return contents(file)["runs"] if file.exists() else []


def write(file: Path, runs: list[dict]) -> None:
    """Write kept runs, one line for each claim."""

    def line(value) -> str:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)

    blocks = []
    for run in runs:
        head = "".join(f"{line(key)}: {line(run[key])}, " for key in run if key != "claims")
        claims = ",\n".join(f"   {line(name)}: {line(claim)}" for name, claim in run["claims"].items())
        blocks.append("  {" + head + '"claims": {' + (f"\n{claims}\n  " if claims else "") + "}}")
    body = ",\n".join(blocks)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".tmp")
    part.write_text(
        f'{{"paper": {line(file.stem)}, "scale": {line(file.parent.name)}, "runs": [\n{body}\n]}}\n', encoding="utf-8"
    )
    part.replace(file)


def load(folder: Path) -> dict[str, dict]:
    """Contents of the claims of a results folder, by slug.

    Raises:
        ValueError: a file that is no claims, or none at all.
    """
    contents = {}
    for file in sorted(folder.glob("*/claims.json")):
        if file.parent.name != "audit":
            contents[file.parent.name] = content_of(file)
    if not contents:
        raise ValueError(f"{folder}: got no claims of any paper, expected results of one scale")
    return contents


def content_of(file: Path) -> dict:
    """What a paper's `claims.json` holds.

    Raises:
        ValueError: a file that is no claims.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        content["provenance"]["inputs"], content["claims"], content["scale"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        words = f"{type(error).__name__}: {error}"
        raise ValueError(f"{file}: got no claims ({words}), expected what the claims rule writes") from None
    return content


def keep_durations(results: Path, root: Path) -> None:
    """Keep the mean seconds of each rule's jobs, from which a first run on another machine estimates what remains."""
    file, name = root / "resources/measured/durations.json", f"results/{results.name}"
    try:
        own = json.loads((root / ".cache/durations.json").read_text(encoding="utf-8"))[name]
    except (OSError, ValueError, KeyError):
        return  # a run without the progress lines leaves none
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept[results.name] = kept.get(results.name, {}) | {rule: round(seconds, 1) for rule, seconds in own.items()}
    file.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def keep(results: Path, root: Path) -> list[Path]:
    """Keep the claims of a run; returns the files that were written.

    Raises:
        ValueError: no claims there, or claims of another scale than the folder's name.
    """
    files = []
    for slug, content in load(results).items():
        if content["scale"] not in SCALES or not (root / f"config/papers/{slug}.yaml").exists():
            raise ValueError(f"{results / slug}: got claims of no paper of config/papers at a known scale")
        file = path(root, content["scale"], slug)
        write(file, merged(read(file), [record(content, costs.totals(costs.measured(results / slug)))]))
        files.append(file)
    keep_durations(results, root)
    return files


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas keep`."""
    parser.add_argument("results", type=Path, help="results of one scale, such as results/medium")


def main(options: Namespace) -> int:
    """Keep a run and name the files; return the exit status."""
    check_own(options.results)
    for file in keep(options.results, ROOT):
        print(file.relative_to(ROOT))
    return 0
