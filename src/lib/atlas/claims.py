"""Claims: what was measured, held against a pass rule that was fixed before the run."""

import math
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
    """What was measured for one claim.

    Args:
        rests_on: names of the inputs of the claims rule that the numbers come from.
        quantities: measured quantities by name; a plain number stands for `measured(number)`.

    Raises:
        ValueError: no input or no quantity is named.
    """
    if isinstance(rests_on, str) or not rests_on:
        raise ValueError(f"rests_on: got {rests_on!r}, expected a list of input names")
    if not quantities:
        raise ValueError("a claim needs at least one measured quantity")
    entries = {
        name: value if isinstance(value, dict) and "value" in value else measured(value)
        for name, value in quantities.items()
    }
    return {"rests_on": list(rests_on), "quantities": entries}


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
        measurements: claim id to what `claim` returned.
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
        found = measurements.get(entry["id"])
        tested = SCALES.index(scale) >= SCALES.index(entry["scale"])
        if found is None and tested:
            raise ValueError(f"claim {entry['id']}: nothing was measured, but it is to be judged at scale {scale}")
        checks = []
        quantities = found["quantities"] if found else {}
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
                "rests_on": found["rests_on"] if found else [],
                "quantities": quantities,
            }
        )
    return verdicts
