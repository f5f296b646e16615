"""Make one claim again from nothing: the stores that it rests on and no others, in a folder of their own.

Run as `python -m lib.atlas remake quadratic_network q3`. Its verdict and numbers are printed beside those of the run at
hand. The exit status is 0 when both have the same numbers, or when there is nothing to compare with.
"""

import inspect
import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.evidence import plan as plans
from lib.atlas.evidence.audit import quantity_text
from lib.atlas.job import claims
from lib.atlas.job.seeds import generator
from lib.atlas.job.stage import open_inputs
from lib.atlas.names import ROOT, SCALES
from lib.atlas.provenance import plain
from lib.atlas.workflow.config import hint

FOLDER = "build/remake"


def _choose(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise ValueError(f"{what}: got {name}, expected one of {', '.join(known)}{hint(name, known)}")


def remake(slug: str, claim: str, scale: str, cores: int, root: Path) -> dict:
    """Make the stores of a claim, measure it and judge it.

    Args:
        slug, claim: names of paper and claim.
        scale: of the run.
        cores: that Snakemake may use.
        root: the project's root folder.

    Returns:
        Its entry in what `lib.atlas.job.claims.judge` returns.

    Raises:
        ValueError: no such paper or claim, it rests on data that nobody supplied, or a stage failed.
    """
    plan = plans.read(root, scale, FOLDER)
    _choose("paper", slug, list(plan["papers"]))
    rule = plan["rules"][f"{slug}_measure_claims"]
    rules = {entry["id"]: entry for entry in rule["pass_rules"]}
    _choose(f"claim of {slug}", claim, list(rules))
    function = claims.functions(vars(plans.module(plans.script(plan, f"{slug}_measure_claims", root))))[claim]
    takes = inspect.signature(function).parameters
    if lacking := sorted({key for name in takes for key in rule.get("needs", {}).get(name, [])}):
        raise ValueError(f"{slug} {claim}: needs {', '.join(lacking)} under data: of config/config.yaml")
    inputs = {name: entry for name, entry in rule["inputs"].items() if name in takes}
    targets = [path for entry in inputs.values() for path in ([entry] if isinstance(entry, str) else entry)]
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--logger", "atlas", "--forceall", *targets]
    command += ["--config", f"scale={scale}", f"results={FOLDER}"]
    if targets and subprocess.run(command, cwd=root).returncode:
        raise ValueError(f"{slug} {claim}: a stage failed; its lines stand above")
    paths = plans.input_paths({"inputs": inputs}, root)
    seed = rule.get("root_seed")
    provided = {"rng": lambda: generator(seed, slug, "measure_claims", {}), "root_seed": lambda: seed}
    params = {name: value for name, value in rule["parameters"].items() if name in takes}
    measured = claims.measure({claim: function}, [rules[claim]], scale, open_inputs(paths), params, provided)
    return claims.judge([rules[claim]], measured, scale)[0]


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas remake`."""
    parser.add_argument("paper", help="slug of the paper")
    parser.add_argument("claim", help="its claim, such as c5")
    parser.add_argument("--scale", default="laptop", choices=SCALES, help="laptop by default")
    parser.add_argument("--cores", type=int, default=2, help="that may be used, 2 by default")
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="where the run to compare with lies")


def main(options: Namespace) -> int:
    """Print verdict and numbers beside those of the run at hand; return the exit status."""
    entry = plain(remake(options.paper, options.claim, options.scale, options.cores, ROOT))
    file, before = options.results / options.scale / options.paper / "claims.json", None
    if file.exists():
        known = json.loads(file.read_text(encoding="utf-8"))["claims"]
        before = next((one for one in known if one["id"] == options.claim), None)
    firm = {True: ", firm", False: ", within its error", None: ""}[entry["firm"]]
    print(f"{options.paper} {options.claim}: {entry['verdict']}{firm}")
    for check in entry["pass"]:
        print(f"  {check['rule']}: {({True: 'holds', False: 'fails', None: 'not judged'})[check['holds']]}")
    for name, quantity in entry["quantities"].items():
        print(f"  {name}: {'; '.join(quantity_text(quantity))}")
    if before is None:
        print(f"{file}: no such claim to compare with")
        return 0
    same = json.dumps(plain(before["quantities"])) == json.dumps(entry["quantities"])  # NaN is NaN
    print(f"{file}: {before['verdict']}, " + ("the same numbers" if same else "other numbers"))
    return 0 if same else 1
