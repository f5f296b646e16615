"""The plan: what the rules of the working tree would make now, from which inputs, with which parameters and code.

The Snakefile writes it when the environment variable `LINEAR_ATLAS_PLAN` names a file; nothing of Snakemake's own
records is read, so results can be held against it that were made on another machine.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lib.atlas.provenance import plain
from lib.atlas.stage import RESERVED

VARIABLE = "LINEAR_ATLAS_PLAN"


def _files(entries) -> dict[str, str | list[str]]:
    """Inputs or outputs by name; those that a function gives (data of the user) are left out."""
    return {
        name: str(value) if isinstance(value, str) else [str(item) for item in value]
        for name, value in dict(entries.items()).items()
        if isinstance(value, str) or not callable(value)
    }


def _resource(rule, name: str):
    """What a rule asks for at the first attempt, or None where that depends on wildcards."""
    value = rule.resources.get(name)
    if hasattr(value, "is_evaluable") and value.is_evaluable():
        try:
            value = value.evaluate({}, attempt=1)
        except (AttributeError, KeyError, TypeError):  # a function of the wildcards
            return None
    value = getattr(value, "value", value)
    return value if isinstance(value, int | float) else None


def describe(rules: Iterable, papers: dict, scale: str, results: str) -> dict:
    """The plan as plain data.

    Args:
        rules: rules of the workflow (`workflow.rules`).
        papers: `lib.atlas.paper.Paper` by slug.
        scale, results: of the configuration.
    """
    found = {}
    for rule in rules:
        params = dict(rule.params.items())
        if "code" not in params:
            continue
        found[rule.name] = {
            "inputs": _files(rule.input),
            "outputs": _files(rule.output),
            "parameters": plain({k: v for k, v in params.items() if k not in RESERVED and not callable(v)}),
            "open_parameters": sorted(k for k, v in params.items() if callable(v)),
            **{key: plain(params[key]) for key in RESERVED if key in params},
            "constraints": {name: str(text) for name, text in rule.wildcard_constraints.items()},
            "log": [str(path) for path in rule.log],
            "benchmark": str(rule.benchmark) if rule.benchmark else None,
            "mem_mb": _resource(rule, "mem_mb"),
            "runtime": _resource(rule, "runtime"),
        }
    return {
        "scale": scale,
        "results": results,
        "rules": found,
        "papers": {
            slug: {"folder": paper.folder, "figures": paper.figures(), "claims": paper.claims()}
            for slug, paper in papers.items()
        },
    }


def write(rules: Iterable, papers: dict, scale: str, results: str) -> None:
    """Write the plan where `LINEAR_ATLAS_PLAN` says, if it does."""
    target = os.environ.get(VARIABLE)
    if target:
        Path(target).write_text(json.dumps(describe(rules, papers, scale, results)), encoding="utf-8")


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
        done = subprocess.run(command, env={**os.environ, VARIABLE: str(target)}, capture_output=True, text=True)
        if not target.exists():
            said = [line for line in done.stderr.splitlines() if line.startswith("linear atlas: ")]
            raise ValueError(said[0].removeprefix("linear atlas: ") if said else done.stderr.strip()[-500:])
        return json.loads(target.read_text(encoding="utf-8"))


def of_results(results: Path, root: Path, config: Iterable[str] = (), must_exist: bool = True) -> tuple[dict, Path]:
    """The plan of the working tree for a results folder, and the folder that its paths are relative to.

    Args:
        results: results of one scale, such as `results/laptop`.
        root: the project's root folder.
        config: further `key=value` for `--config`.
        must_exist: refuse a folder that is not there.

    Raises:
        ValueError: no such folder, or the working tree is refused.
    """
    folder = results.resolve()
    if must_exist and not folder.is_dir():
        raise ValueError(f"{results}: no such results folder")
    inside = folder.parent.is_relative_to(root)
    parent = folder.parent.relative_to(root) if inside else folder.parent
    return read(root, folder.name, parent.as_posix(), config), root


def pattern(path: str, constraints: dict[str, str] | None = None) -> re.Pattern:
    """A pattern that matches the files of a path with wildcards, and names what each stands for.

    Args:
        path: with wildcards in braces.
        constraints: what a wildcard may stand for, by name; anything where it is left out.
    """
    constraints = constraints or {}
    parts = re.split(r"\{(\w+)(?:,[^}]*)?\}", path)
    seen: set[str] = set()
    text = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            text += re.escape(part)
        elif part in seen:
            text += f"(?P={part})"
        else:
            seen.add(part)
            text += f"(?P<{part}>{constraints.get(part, '.+?')})"
    return re.compile(text)


def maker(plan: dict, path: str) -> tuple[str | None, dict[str, str]]:
    """The rule that makes a file, and the wildcards with which it does."""
    for name, rule in plan["rules"].items():
        for output in rule["outputs"].values():
            match = pattern(output, rule.get("constraints")).fullmatch(path) if isinstance(output, str) else None
            if match:
                return name, match.groupdict()
    return None, {}


def fill(path: str, wildcards: dict[str, str]) -> str:
    """A path with its wildcards filled in."""
    return re.sub(r"\{(\w+)(?:,[^}]*)?\}", lambda match: str(wildcards.get(match[1], match[0])), path)


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
        for given in plan["rules"][name]["inputs"].values():
            for one in [given] if isinstance(given, str) else given:
                visit(fill(one, wildcards))
        order[path] = None

    for path in [*paper["figures"], paper["claims"]]:
        visit(path)
    return list(order)
