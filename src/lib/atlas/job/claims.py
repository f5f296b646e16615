"""Claims: what was measured, and whether it satisfies the pass rule that was fixed before the run."""

import inspect
import math
from collections.abc import Callable
from numbers import Integral, Real

from lib.atlas.names import SCALES

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
NOT_TESTED = "not tested at this scale"

_TESTS = {
    "below": lambda value, bound: value < bound,
    "at_most": lambda value, bound: value <= bound,
    "above": lambda value, bound: value > bound,
    "at_least": lambda value, bound: value >= bound,
    "between": lambda value, bound: bound[0] <= value <= bound[1],
    "equals": lambda value, bound: value == bound,
}
_WORDS = {"below": "<", "at_most": "≤", "above": ">", "at_least": "≥", "between": "in", "equals": "="}


def _plain(value, what: str):
    """A JSON number, boolean, or a list of them, from Python or NumPy."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item, what) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise ValueError(f"{what}: got {value!r} ({type(value).__name__}), expected a number, a boolean or a list of them")


def measured(value, *, se=None, seeds=None, labels=None) -> dict:
    """A measured quantity.

    Args:
        value: number or boolean, or a flat list of them.
        se: standard error, of the shape of `value`.
        seeds: the seeds (or teachers, replicates) that the value is a mean over.
        labels: one text per item of a list.

    Raises:
        ValueError: a shape or type that does not fit.
    """
    value = _plain(value, "measured value")
    if isinstance(value, list) and any(isinstance(item, list) for item in value):
        raise ValueError("measured value: got a nested list, expected a flat one")
    entry = {"value": value}
    if se is not None:
        se = _plain(se, "standard error")
        if isinstance(se, list) != isinstance(value, list) or (isinstance(se, list) and len(se) != len(value)):
            raise ValueError(f"standard error: got {se!r}, expected the shape of the value {value!r}")
        entry["se"] = se
    if seeds is not None:
        entry["seeds"] = _plain(list(seeds), "seeds")
    if labels is not None:
        if not isinstance(value, list) or len(labels) != len(value):
            raise ValueError(f"labels: got {list(labels)!r}, expected one for each item of the value {value!r}")
        entry["labels"] = [str(label) for label in labels]
    return entry


def claim(*, rests_on, **quantities) -> dict:
    """Transitional: what was measured for one claim, its inputs named by hand."""
    return {"rests_on": list(rests_on), "quantities": {name: _quantity(value) for name, value in quantities.items()}}


def functions(namespace: dict) -> dict[str, Callable]:
    """The claims of a script: its own functions, by name; those whose name begins with an underscore are helpers.

    Args:
        namespace: of the script or module (`globals()`, `vars(module)`).
    """
    return {
        name: item
        for name, item in namespace.items()
        if inspect.isfunction(item) and item.__module__ == namespace["__name__"] and not name.startswith("_")
    }


def is_tested(rule: dict, scale: str) -> bool:
    """Whether a claim is judged at a scale: the smallest scale that it names, and those above."""
    return SCALES.index(scale) >= SCALES.index(rule["scale"])


def _arguments(function: Callable, values: dict, provided: dict) -> tuple[dict, list[str]]:
    """Arguments of a claim by name, and the names of those that nobody gives."""
    arguments, missing = {}, []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in values:
            arguments[name] = values[name]
        elif name in provided:
            arguments[name] = provided[name]()
        elif parameter.default is inspect.Parameter.empty:
            missing.append(name)
    return arguments, missing


def measure(
    claims: dict[str, Callable], rules: list[dict], scale: str, inputs: dict, params: dict, provided: dict
) -> dict:
    """Measure every claim whose stores this scale has.

    Args:
        claims: a function for each claim by its id. Its arguments are the inputs that it rests on, parameters, and what
            can be provided; it returns quantities by name, plain numbers or `measured(...)`, or None where this scale
            has nothing to measure.
        rules: `id` and smallest `scale` of every claim.
        scale: the scale of the run.
        inputs, params: of the claims rule, by name.
        provided: name to a function without arguments (`rng`, `root_seed`).

    Returns:
        Claim id to `rests_on` (names of inputs) and `quantities`, for the claims that were measured.

    Raises:
        ValueError: functions and claims that do not fit, an input or parameter that no claim takes, a claim that is
            judged at this scale and whose inputs the rule does not have, or a claim that fails (named).
    """
    ids = [rule["id"] for rule in rules]
    if missing := [name for name in ids if name not in claims]:
        raise ValueError(f"claims.py has no function {missing[0]}(), but the paper's file has such a claim")
    if unknown := [name for name in claims if name not in ids]:
        raise ValueError(f"claims.py has a function {unknown[0]}(), but the paper's file has no such claim")
    values = {**inputs, **params}
    arguments = {name for function in claims.values() for name in inspect.signature(function).parameters}
    if idle := [name for name in values if name not in arguments]:
        raise ValueError(f"no claim takes {idle[0]!r}, which its rule gives")
    measurements = {}
    for rule in rules:
        function = claims[rule["id"]]
        arguments, missing = _arguments(function, values, provided)
        if missing and is_tested(rule, scale):
            raise ValueError(f"claim {rule['id']} takes {missing[0]!r}, but its rule has no such input or param")
        try:
            quantities = None if missing else function(**arguments)
        except Exception as error:
            raise ValueError(f"claim {rule['id']}: {type(error).__name__}: {error}") from error
        if quantities:
            measurements[rule["id"]] = {
                "rests_on": [name for name in arguments if name in inputs],
                "quantities": {name: _quantity(value) for name, value in quantities.items()},
            }
    return measurements


def _quantity(value) -> dict:
    return value if isinstance(value, dict) and "value" in value else measured(value)


def rules_at(rules, scale: str) -> list[dict]:
    """The rules that hold at a scale: one list for all, or those of the nearest scale named at or below it.

    Raises:
        ValueError: no rule is given for the scale or a smaller one.
    """
    if isinstance(rules, list):
        return rules
    for name in reversed(SCALES[: SCALES.index(scale) + 1]):
        if name in rules:
            return rules[name]
    raise ValueError(f"no pass rule at scale {scale} or below; rules are given at {', '.join(rules)}")


def _operator(rule: dict) -> tuple[str, object]:
    ((name, bound),) = ((key, value) for key, value in rule.items() if key != "quantity")
    return name, bound


def holds(rule: dict, value) -> bool:
    """Whether a value satisfies one rule; every item of a list must, and a number that is not finite does not."""
    name, bound = _operator(rule)
    if name == "equals" and isinstance(bound, list):
        return isinstance(value, list) and len(value) == len(bound) and all(v == b for v, b in zip(value, bound))
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(math.isfinite(item) and _TESTS[name](item, bound) for item in values)


def rule_text(rule: dict) -> str:
    """A rule as a person writes it: `ratio in [0.95, 1.12]`."""
    name, bound = _operator(rule)
    if name == "between":
        bound = f"[{bound[0]}, {bound[1]}]"
    return f"{rule['quantity']} {_WORDS[name]} {bound}"


def judge(rules: list[dict], measurements: dict, scale: str) -> list[dict]:
    """Verdicts of a paper's claims.

    Args:
        rules: `id`, smallest `scale` and `pass` of every claim.
        measurements: what `measure` returned.
        scale: the scale of the run.

    Returns:
        One entry per claim, in the order of the rules: id, scale, verdict, rules (text, and whether it held),
        rests_on, quantities.

    Raises:
        ValueError: a claim that had to be measured at this scale was not, one that nobody asked for was, or a rule
            names a quantity that was not measured.
    """
    unknown = sorted(set(measurements) - {entry["id"] for entry in rules})
    if unknown:
        raise ValueError(f"measured claim {unknown[0]!r}, but the paper's file has no such claim")
    verdicts = []
    for entry in rules:
        measurement = measurements.get(entry["id"], {})
        tested = is_tested(entry, scale)
        if not measurement and tested:
            raise ValueError(f"claim {entry['id']}: nothing was measured, but it is to be judged at scale {scale}")
        checks = []
        quantities = measurement.get("quantities", {})
        for rule in rules_at(entry["pass"], scale if tested else entry["scale"]):
            name = rule["quantity"]
            if tested and name not in quantities:
                raise ValueError(f"claim {entry['id']}: the pass rule names {name!r}, measured: {sorted(quantities)}")
            checks.append(
                {"rule": rule_text(rule), "holds": holds(rule, quantities[name]["value"]) if tested else None}
            )
        passed = all(check["holds"] for check in checks)
        verdicts.append(
            {
                "id": entry["id"],
                "smallest_scale": entry["scale"],
                "verdict": NOT_TESTED if not tested else REPRODUCED if passed else NOT_REPRODUCED,
                "pass": checks,
                "rests_on": measurement.get("rests_on", []),
                "quantities": quantities,
            }
        )
    return verdicts
