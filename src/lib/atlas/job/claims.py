"""Claims: what was measured, and whether it satisfies the pass rule that was fixed before the run."""

import inspect
import math
from collections.abc import Callable

from lib.atlas.job.quantities import KINDS, items
from lib.atlas.names import SCALES

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
NEEDS_DATA = "needs data"
NOT_EVALUATED = "not evaluated"
NOT_TESTED = "not tested at this scale"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, NOT_EVALUATED, NEEDS_DATA, NOT_TESTED)

_TESTS = {
    "below": lambda value, bound: value < bound,
    "at_most": lambda value, bound: value <= bound,
    "above": lambda value, bound: value > bound,
    "at_least": lambda value, bound: value >= bound,
    "between": lambda value, bound: bound[0] <= value <= bound[1],
    "equals": lambda value, bound: value == bound,
}
_WORDS = {"below": "<", "at_most": "≤", "above": ">", "at_least": "≥", "between": "in", "equals": "="}


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
    claims: dict[str, Callable],
    rules: list[dict],
    scale: str,
    inputs: dict,
    params: dict,
    provided: dict,
    needs: dict[str, list[str]] | None = None,
) -> dict:
    """Measure every claim whose stores this scale has.

    Args:
        claims: a function for each claim by its id. Its arguments are the inputs that it rests on, parameters, and what
            can be provided; it returns quantities by name (`lib.atlas.job.quantities`), or None where this scale
            has nothing to measure.
        rules: `id` and smallest `scale` of every claim.
        scale: the scale of the run.
        inputs, params: of the claims rule, by name.
        provided: name to a function without arguments (`rng`, `root_seed`).
        needs: inputs that rest on data nobody supplied, with the keys of these data.

    Returns:
        Claim id to `rests_on` (names of inputs) and `quantities`, for the claims that were measured, and to the data
        that it `needs` for those that could not be.

    Raises:
        ValueError: functions and claims that do not fit, an input or parameter that no claim takes, a claim that is
            judged at this scale and whose inputs the rule does not have, or a claim that fails (named).
    """
    ids, needs = [rule["id"] for rule in rules], needs or {}
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
        if missing and set(missing) <= set(needs):
            keys = sorted({key for name in missing for key in needs[name]})
            measurements[rule["id"]] = {"rests_on": [], "quantities": {}, "needs": keys}
            continue
        if missing and is_tested(rule, scale):
            raise ValueError(f"claim {rule['id']} takes {missing[0]!r}, but its rule has no such input or param")
        try:
            quantities = None if missing else function(**arguments)
        except Exception as error:
            raise ValueError(f"claim {rule['id']}: {type(error).__name__}: {error}") from error
        if quantities:
            measurements[rule["id"]] = {
                "rests_on": [name for name in arguments if name in inputs],
                "quantities": _checked(rule["id"], quantities),
            }
    return measurements


def _checked(claim: str, quantities: dict) -> dict:
    """Quantities of a claim, each of which says how sure it is.

    Raises:
        ValueError: one that is a plain number or boolean.
    """
    for name, quantity in quantities.items():
        if not isinstance(quantity, dict) or quantity.get("kind") not in KINDS:
            raise ValueError(
                f"claim {claim}: quantity {name}: got {quantity!r}, expected exact(...), estimated(...) or timed(...), "
                "which say how sure it is"
            )
    return dict(quantities)


def at_scale(entry, scale: str, what: str = "pass rule"):
    """What holds at a scale: one thing for all scales, or that of the nearest scale named at or below it.

    Args:
        entry: the thing itself, or a mapping from scales to it.
        scale: of a run.
        what: what it is, for the message.

    Raises:
        ValueError: nothing is named for the scale or a smaller one.
    """
    if not isinstance(entry, dict):
        return entry
    for name in reversed(SCALES[: SCALES.index(scale) + 1]):
        if name in entry:
            return entry[name]
    raise ValueError(f"no {what} at scale {scale} or below, there is one at {', '.join(entry)}")


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


def _is_firm(rule: dict, value, low, high) -> bool:
    """Whether the whole interval of a number lies on the side of the bound on which the number lies."""
    name, bound = _operator(rule)
    if not math.isfinite(value):
        return True  # it fails, whatever its error
    if low is None or high is None:
        return False
    if name == "equals":
        return low == high or not low <= bound <= high
    if name == "between" and not holds(rule, value):
        return high < bound[0] or low > bound[1]
    return _TESTS[name](low, bound) == _TESTS[name](high, bound) == _TESTS[name](value, bound)


def is_firm(rule: dict, quantity: dict) -> bool:
    """Whether a rule holds, or fails, by more than the error of its quantity.

    A rule that holds is firm when every item of the quantity is; one that fails, when one of the items that fail is.

    Args:
        rule: a pass rule.
        quantity: what `lib.atlas.job.quantities` made.
    """
    _, bound = _operator(rule)
    if isinstance(bound, list) and "equals" in rule:  # item by item
        pairs = [({**rule, "equals": one}, item) for one, item in zip(bound, items(quantity))]
    else:
        pairs = [(rule, item) for item in items(quantity)]
    if holds(rule, quantity["value"]):
        return all(_is_firm(one, *item) for one, item in pairs)
    failing = [(one, item) for one, item in pairs if not holds(one, item[0])]
    return not failing or any(_is_firm(one, *item) for one, item in failing)


def rule_text(rule: dict) -> str:
    """A rule as a person writes it: `ratio in [0.95, 1.12]`."""
    name, bound = _operator(rule)
    if name == "between":
        bound = f"[{bound[0]}, {bound[1]}]"
    return f"{rule['quantity']} {_WORDS[name]} {bound}"


def _checks(rules: list[dict], quantities: dict, claim: str, tested: bool) -> list[dict]:
    """Each rule in words, whether it holds, and whether firmly."""
    checks = []
    for rule in rules:
        name = rule["quantity"]
        if not tested:
            checks.append({"rule": rule_text(rule), "holds": None, "firm": None})
            continue
        if name not in quantities:
            raise ValueError(f"claim {claim}: the pass rule names {name!r}, measured: {sorted(quantities)}")
        quantity = quantities[name]
        checks.append(
            {
                "rule": rule_text(rule),
                "holds": holds(rule, quantity["value"]),
                "firm": is_firm(rule, quantity),
            }
        )
    return checks


def _verdict(checks: list[dict], gate: list[dict], tested: bool, needs: list[str]) -> tuple[str, bool | None]:
    """Verdict, and whether it is firm: by every rule that holds, or by one that fails."""
    if needs:
        return NEEDS_DATA, None
    if not tested:
        return NOT_TESTED, None
    if not all(check["holds"] for check in gate):
        return NOT_EVALUATED, None
    if all(check["holds"] for check in checks):
        return REPRODUCED, all(check["firm"] for check in checks)
    return NOT_REPRODUCED, any(check["firm"] for check in checks if not check["holds"])


def judge(rules: list[dict], measurements: dict, scale: str) -> list[dict]:
    """Verdicts of a paper's claims.

    Args:
        rules: `id`, smallest `scale` and `pass` of every claim; `gate`, rules without which the others mean nothing.
        measurements: what `measure` returned.
        scale: the scale of the run.

    Returns:
        One entry per claim, in the order of the rules: id, scale, verdict and whether it is firm, rules and gate (text,
        whether it holds, whether firmly), rests_on, quantities.

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
        needs = measurement.get("needs", [])
        due = is_tested(entry, scale)
        tested = due and not needs
        if not measurement and due:
            raise ValueError(f"claim {entry['id']}: nothing was measured, but it is to be judged at scale {scale}")
        quantities = measurement.get("quantities", {})
        at = scale if due else entry["scale"]
        checks = _checks(at_scale(entry["pass"], at), quantities, entry["id"], tested)
        gate = _checks(at_scale(entry.get("gate", []), at), quantities, entry["id"], tested)
        verdict, firm = _verdict(checks, gate, tested, needs if due else [])
        verdicts.append(
            {
                "id": entry["id"],
                "smallest_scale": entry["scale"],
                "verdict": verdict,
                "firm": firm,
                "pass": checks,
                "gate": gate,
                **({"needs": needs} if needs else {}),
                "rests_on": measurement.get("rests_on", []),
                "quantities": quantities,
            }
        )
    return verdicts
