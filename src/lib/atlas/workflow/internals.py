"""The one place that reads what Snakemake does not promise to keep: its rule objects.

`check`, `status` and the archives need what the rules would make; Snakemake's public interface lists names of rules and
no more. Everything else of the project goes through documented directives and options.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from lib.atlas.names import PLAN, RESERVED
from lib.atlas.provenance import plain


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
        papers: `lib.atlas.workflow.paper.Paper` by slug.
        scale, results: of the configuration.
    """
    entries = {}
    for rule in rules:
        params = dict(rule.params.items())
        if "code" not in params:
            continue
        entries[rule.name] = {
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
        "rules": entries,
        "papers": {
            slug: {"folder": paper.folder, "figures": paper.figures(), "claims": paper.claims()}
            for slug, paper in papers.items()
        },
    }


def write_plan(rules: Iterable, papers: dict, scale: str, results: str) -> None:
    """Write the plan where `LINEAR_ATLAS_PLAN` says, if it does."""
    target = os.environ.get(PLAN)
    if target:
        Path(target).write_text(json.dumps(describe(rules, papers, scale, results)), encoding="utf-8")
