"""What every paper promises. Each promise is a function that returns one sentence for each breach of it."""

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import numpy as np
import xarray as xr
import yaml

from lib.atlas import prose
from lib.atlas.evidence import plan as plans
from lib.atlas.job import claims
from lib.atlas.job.stage import PROVIDED, StageError, bind, open_inputs
from lib.atlas.workflow.config import load_paper, load_yaml


@dataclass
class Paper:
    """One paper of a working tree.

    Args:
        slug: name of the paper.
        root: folder of the working tree.
        plan: of its rules at smoke scale (`lib.atlas.evidence.plan`).
    """

    slug: str
    root: Path
    plan: dict

    @cached_property
    def spec(self) -> dict:
        """The paper's file, with the parameters of smoke scale."""
        return load_paper(self.slug, self.root, "smoke")

    @cached_property
    def rules(self) -> dict[str, dict]:
        """The rules that run a script, in the order of the rule file, without the slug in their names."""
        text = (self.root / f"workflow/rules/{self.slug}.smk").read_text()
        own = [
            name for name in self.plan["rules"] if re.search(rf"^(use rule \w+ as|rule) {name}\b", text, re.MULTILINE)
        ]
        return {name.removeprefix(f"{self.slug}_"): self.plan["rules"][name] for name in own}

    def module(self, rule: str) -> ModuleType:
        """The script of a rule, imported."""
        path = self.root / f"workflow/scripts/{self.rules[rule]['script']}.py"
        spec = importlib.util.spec_from_file_location(f"{self.slug}_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def _kind(rule: dict) -> str:
    """Name of the one output: store, figure, table or claims."""
    return next(iter(rule["outputs"]), "")


def figures_are_rules(paper: Paper) -> list[str]:
    """Each figure or table of the paper's file has a rule of its name, and the reverse."""
    drawn = {name: _kind(rule) for name, rule in paper.rules.items() if _kind(rule) in ("figure", "table")}
    listed = {name: entry.get("kind", "figure") for name, entry in paper.spec["figures"].items()}
    return [
        f"{name}: the paper's file has {listed.get(name, 'nothing')}, the rules have {drawn.get(name, 'nothing')}"
        for name in sorted({*drawn, *listed})
        if drawn.get(name) != listed.get(name)
    ]


def _stage(module: ModuleType):
    """The function that a script hands to the runner."""
    calls = [node for node in ast.walk(ast.parse(Path(module.__file__).read_text())) if isinstance(node, ast.Call)]
    names = [call.args[0].id for call in calls if getattr(call.func, "id", "") == "run"]
    return getattr(module, names[0])


def signatures_fit(paper: Paper) -> list[str]:
    """A stage takes the inputs and parameters of its rule, and no others; `root_seed` only where it is random."""
    sentences = []
    for name, rule in paper.rules.items():
        if _kind(rule) == "claims":
            continue
        function = _stage(paper.module(name))
        takes = set(inspect.signature(function).parameters)
        inputs = dict.fromkeys([*rule["inputs"], *rule["open_inputs"]])
        params = dict.fromkeys([*rule["parameters"], *rule["open_parameters"]])
        wildcards = dict.fromkeys(re.findall(r"\{(\w+)", str(rule["outputs"])))
        provided = dict.fromkeys(takes & {*PROVIDED, "root_seed"}, lambda: None)
        try:
            bind(function, inputs, params, wildcards, provided)
        except StageError as error:
            sentences.append(f"{name}: {error}")
        if bool(takes & {"rng", "root_seed"}) != ("root_seed" in rule):
            sentences.append(f"{name}: the rule has a root_seed and the stage no use for it, or the reverse")
    return sentences


def claims_are_functions(paper: Paper) -> list[str]:
    """Each claim is a function named by its id, which takes inputs and parameters of the claims rule and no others."""
    functions = claims.functions(vars(paper.module("measure_claims")))
    rule = paper.rules["measure_claims"]
    given = {*rule["inputs"], *rule["open_inputs"], *rule["parameters"], *rule["open_parameters"]}
    takes = {name: inspect.signature(function).parameters for name, function in functions.items()}
    ids = {entry["id"] for entry in paper.spec["claims"]}
    return [
        *(f"{name}: a claim or a function, but not both" for name in sorted(ids ^ set(functions))),
        *(f"{name}: no docstring" for name, function in functions.items() if not function.__doc__),
        *(f"{name}: no claim takes it" for name in sorted(given - {key for keys in takes.values() for key in keys})),
        *(
            f"{name}: takes {key}, which its rule does not give"
            for name, parameters in takes.items()
            for key in set(parameters) - given - {"rng", "root_seed"}
        ),
    ]


def _keys(schema: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    for key, entry in schema.get("properties", {}).items():
        yield f"{path}{key}", entry
        yield from _keys(entry, f"{path}{key}.")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _keys(schema[key], path)
    for key, entry in schema.get("$defs", {}).items():
        yield from _keys(entry, f"{key}.")


def undescribed(schema: Path) -> list[str]:
    """Keys of a schema that do not say in words what they are."""
    keys = _keys(yaml.safe_load(schema.read_text()))
    return [f"{key}: no description" for key, entry in keys if len(entry.get("description", "")) < 3]


def keys_are_described(paper: Paper) -> list[str]:
    """Each key of the schema says in words what it is."""
    return undescribed(paper.root / f"workflow/schemas/papers/{paper.slug}.yaml")


def rules_are_complete(paper: Paper) -> list[str]:
    """Each rule has a docstring, a log and a benchmark of its own in the paper's folder, memory and time."""
    folder, sentences = paper.plan["papers"][paper.slug]["folder"], []
    for name, rule in paper.rules.items():
        if len(rule["docstring"] or "") < 10 or "Template" in rule["docstring"]:
            sentences.append(f"{name}: no docstring of its own")
        for what, path in (("log", next(iter(rule["log"]), "")), ("benchmark", rule["benchmark"] or "")):
            others = [
                other
                for key, other in paper.rules.items()
                if key != name and path in (*other["log"], other["benchmark"])
            ]
            if not path.startswith(f"{folder}/{what}s/") or others:
                sentences.append(f"{name}: no {what} of its own")
        sentences += [f"{name}: no {what}" for what in ("mem_mb", "runtime") if not rule[what]]
    return sentences


def rules_are_in_order(paper: Paper) -> list[str]:
    """Each rule stands below those whose outputs it reads."""
    order = {f"{paper.slug}_{name}": number for number, name in enumerate(paper.rules)}
    sentences = []
    for name, rule in paper.rules.items():
        for entry in rule["inputs"].values():
            for path in [entry] if isinstance(entry, str) else entry:
                maker = plans.maker(paper.plan, path)[0]
                if maker is not None and order.get(maker, -1) > order[f"{paper.slug}_{name}"]:
                    sentences.append(f"{name}: stands above {maker}")
    return sorted(set(sentences))


def _blank(value, truth: bool):
    """An input in which every number is NaN and every truth is `truth`; texts and coordinates stay."""
    if isinstance(value, list):
        return [_blank(item, truth) for item in value]
    if not isinstance(value, xr.Dataset):
        return value
    blank = {
        name: xr.full_like(item, truth) if item.dtype.kind == "b" else xr.full_like(item, np.nan, dtype=float)
        for name, item in value.items()
        if item.dtype.kind in "biuf"
    }
    return value.assign(blank)


def _passes(function, entry: dict, inputs: dict, params: dict) -> bool | None:
    """Whether a claim passes those of its rules whose quantities these inputs have; None where they have none."""
    provided = {"rng": lambda: np.random.default_rng(0), "root_seed": lambda: 0}
    takes = inspect.signature(function).parameters
    own = [{key: value for key, value in values.items() if key in takes} for values in (inputs, params)]
    measurements = claims.measure({entry["id"]: function}, [entry], entry["scale"], *own, provided)
    quantities = measurements[entry["id"]]["quantities"] if measurements else {}
    entries = [rule for key in ("gate", "pass") for rule in claims.at_scale(entry.get(key, []), entry["scale"])]
    rules = [rule for rule in entries if rule["quantity"] in quantities]
    return all(claims.holds(rule, quantities[rule["quantity"]]["value"]) for rule in rules) if rules else None


def passes_on_nothing(function, entry: dict, inputs: dict, params: dict) -> bool:
    """Whether a claim passes where every number of its inputs is NaN, be every truth there False or True."""
    blanks = [{name: _blank(value, truth) for name, value in inputs.items()} for truth in (False, True)]
    try:
        return all(_passes(function, entry, blank, params) for blank in blanks)
    except ValueError:  # an error stops the run: no verdict
        return False


def claims_fail_on_nothing(paper: Paper, results: Path) -> list[str]:
    """No claim passes on stores that hold NaN for every number and False for every truth.

    A claim that something is false passes there; it must fail where every truth is True.

    Args:
        paper: at smoke scale.
        results: folder that the plan's paths are relative to, with finished results of that scale.
    """
    rule = paper.rules["measure_claims"]
    inputs = open_inputs(plans.input_paths(rule, results))
    functions = claims.functions(vars(paper.module("measure_claims")))
    sentences = []
    for entry in paper.spec["claims"]:
        function = functions[entry["id"]]
        if _passes(function, entry, inputs, rule["parameters"]) is None:
            continue  # nothing to measure at smoke scale
        if passes_on_nothing(function, entry, inputs, rule["parameters"]):
            sentences.append(f"{entry['id']}: reproduced on stores of NaN")
    return sentences


_DECIMAL = re.compile(r"(?<![\w.])(\d+\.\d+(?:e-?\d+)?)(?!\.?\d)|(?<![\w.])(\d+) ?(?:%|per cent)")
INTERVAL = 0.95  # of every interval
_ELSEWHERE = re.compile(r"(?:^|: )[Ii]n (?:a )?separate runs? (?:of|on|with|at) \w.*")


def _numbers(value) -> set[float]:
    """Size of every number in a part of a paper's file, those in its texts included."""
    if isinstance(value, dict):
        return set().union(*map(_numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(_numbers, value))
    if isinstance(value, str):
        return set().union(*(_numbers(float(one)) for one in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", value)))
    if isinstance(value, bool) or value is None:
        return set()
    return {abs(float(value))}


def prose_has_no_bare_numbers(paper: Paper) -> list[str]:
    """Captions, remarks and notes name measured numbers as `{c5.ratio}`, or tell of a separate run.

    A decimal fraction or percentage counts as measured unless it stands in the parameters or in the claim: its pass
    rule, gate, statement, place in the paper, the paper's numbers, and what is measured.
    """
    spec = load_yaml(paper.root / f"config/papers/{paper.slug}.yaml")
    keys = ("pass", "gate", "paper_value", "paper_number", "measures", "statement", "where")
    own = {entry["id"]: _numbers([entry[key] for key in keys if key in entry]) for entry in spec["claims"]}
    sentences = []
    for name, holder, key in prose.fields(spec):
        kind, entry, *_ = name.split(".")
        claims_of = {"figures": holder["claims"] if kind == "figures" else [], "claims": [entry], "paper": list(own)}
        known = _numbers([spec["parameters"], INTERVAL]).union(*(own[claim] for claim in claims_of[kind]))
        text = re.sub(r"\{[A-Za-z][^{}]*\}|arXiv:? ?\d{4}\.\d{4,5}", "", " ".join(holder[key].split()))
        for sentence in re.split(r"(?<=\.) ", text):
            for match in _DECIMAL.finditer(_ELSEWHERE.sub("", sentence)):
                number = float(match[1] or match[2])
                if number not in known and (match[1] or number / 100 not in known):
                    sentences.append(f"{name}: {match[0]} is a bare number in {sentence!r}")
    return sentences


PROMISES = [
    figures_are_rules,
    signatures_fit,
    claims_are_functions,
    keys_are_described,
    rules_are_complete,
    rules_are_in_order,
    prose_has_no_bare_numbers,
]
