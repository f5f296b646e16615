"""The plan: what the rules of the working tree would make now, from which inputs, with which parameters and code.

The Snakefile writes it when the environment variable `LINEAR_ATLAS_PLAN` names a file (`lib.atlas.workflow.internals`);
Snakemake's own records are not read, so results that were made on another machine can be checked against it.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from lib.atlas.names import PLAN, listed
from lib.atlas.workflow.patterns import fill, pattern
from lib.atlas.workflow.place import check_own


def read(root: Path, scale: str, results: str, config: Iterable[str] = ()) -> dict:
    """The plan of a working tree, by having Snakemake parse its rules.

    Args:
        root: the project's root folder.
        scale, results: what `--config` says.
        config: further `key=value` for `--config`.

    Raises:
        ValueError: the working tree's rules or configuration are refused; the message is theirs.
    """
    with tempfile.TemporaryDirectory(prefix="atlas-plan-") as folder:
        target = Path(folder) / "plan.json"
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--directory", str(root)]
        command += ["--list-rules", "--config", f"scale={scale}", f"results={results}", *config]
        done = subprocess.run(command, env={**os.environ, PLAN: str(target)}, capture_output=True, text=True)
        if not target.exists():
            refusals = [line for line in done.stderr.splitlines() if line.startswith("linear atlas: ")]
            raise ValueError(refusals[0].removeprefix("linear atlas: ") if refusals else done.stderr.strip()[-500:])
        return json.loads(target.read_text(encoding="utf-8"))


def of_results(results: Path, root: Path, config: Iterable[str] = (), must_exist: bool = True) -> tuple[dict, Path]:
    """The plan of the working tree for a results folder, and the folder that its paths are relative to.

    Args:
        results: results of one scale, such as `results/laptop`.
        root: the project's root folder.
        config: further `key=value` for `--config`.
        must_exist: refuse a folder that is not there.

    Raises:
        ValueError: no such folder, one in another working tree, or the working tree is refused.
    """
    check_own(results, root)
    folder = results.resolve()
    if must_exist and not folder.is_dir():
        raise ValueError(f"{results}: no such results folder")
    inside = folder.parent.is_relative_to(root)
    parent = folder.parent.relative_to(root) if inside else folder.parent
    return read(root, folder.name, parent.as_posix(), config), root


def maker(plan: dict, path: str) -> tuple[str | None, dict[str, str]]:
    """The rule that makes a file, and the wildcards with which it does."""
    for name, rule in plan["rules"].items():
        for output in (one for entry in rule["outputs"].values() for one in listed(entry)):
            match = pattern(output, rule.get("constraints")).fullmatch(path)
            if match:
                return name, match.groupdict()
    return None, {}


def input_paths(rule: dict, folder: Path, wildcards: dict[str, str] | None = None) -> dict[str, str | list[str]]:
    """Paths of a rule's inputs, by name.

    Args:
        rule: of a plan.
        folder: that the plan's paths are relative to.
        wildcards: of the job.
    """

    def path(pattern: str) -> str:
        return str(folder / fill(pattern, wildcards or {}))

    return {
        name: path(entry) if isinstance(entry, str) else [path(one) for one in entry]
        for name, entry in rule["inputs"].items()
    }


def script(plan: dict, rule: str, root: Path) -> Path:
    """The script that a rule runs."""
    return root / f"workflow/scripts/{plan['rules'][rule]['script']}.py"


def module(script: Path) -> ModuleType:
    """The module of a script, which runs nothing."""
    spec = importlib.util.spec_from_file_location(f"{script.stem}_of_{script.parent.name}", script)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def files(plan: dict, slug: str) -> list[str]:
    """Every file of a paper that the rules would make, in an order in which inputs come first."""
    paper = plan["papers"][slug]
    order: dict[str, None] = {}

    def visit(path: str) -> None:
        if path in order:
            return
        name, wildcards = maker(plan, path)
        if name is None:
            return
        for entry in plan["rules"][name]["inputs"].values():
            for one in [entry] if isinstance(entry, str) else entry:
                visit(fill(one, wildcards))
        order[path] = None

    for path in [*paper["figures"], paper["claims"]]:
        visit(path)
    return list(order)
