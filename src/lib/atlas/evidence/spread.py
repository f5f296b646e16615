"""What other runs say of a claim: at other scales, under other root seeds, on other processors."""

import math

import numpy as np

from lib.atlas.evidence.runs import EARLIER_CODE, EARLIER_RULE, JUDGED, differs, same_run
from lib.atlas.job.claims import REPRODUCED, at_scale, holds, rule_text
from lib.atlas.names import SCALES, listed


def of_runs(name: str, reference: dict, runs: list[dict]) -> dict | None:
    """What runs at one scale say of a claim.

    Args:
        name: id of the claim.
        reference: the claim as it is judged and measured now; runs with another rule, function or experiment count only
            where there are no two others.
        runs: kept runs, or the one at hand and kept ones.

    Returns:
        Number of `runs`, `verdicts`, whether they turn, `earlier` (rule or code, or ""), whether a root seed enters
        (`seeded`), `root_seeds`, `processors`, and values and errors of each judged quantity; None where no two runs
        judged the claim and none is of an earlier rule or code.
    """
    runs = [run for run in runs if run["claims"].get(name, {}).get("verdict") in JUDGED]
    reasons = [differs(reference, run["claims"][name]) for run in runs]
    others = [run for run, reason in zip(runs, reasons) if reason]
    runs, earlier = [run for run, reason in zip(runs, reasons) if not reason], ""
    if len(runs) < 2:
        if not others:
            return None
        runs, earlier = others, EARLIER_RULE if EARLIER_RULE in reasons else EARLIER_CODE
    claims = [run["claims"][name] for run in runs]
    verdicts = [claim["verdict"] for claim in claims]
    values: dict[str, dict] = {}
    for claim in claims:
        for quantity, entry in claim["quantities"].items():
            values.setdefault(quantity, {"values": [], "se": []})["values"].append(entry["value"])
            values[quantity]["se"].append(entry.get("se"))
    return {
        "runs": len(runs),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in JUDGED if verdict in verdicts},
        "turns": len(set(verdicts)) > 1,
        "earlier": earlier,
        "seeded": any(claim["seeded"] for claim in claims),
        "root_seeds": sorted({run["root_seed"] for run in runs if run["root_seed"] is not None}),
        "processors": sorted({run["processor"] for run in runs}),
        "quantities": values,
    }


def _of_scales(name: str, own: dict, kept: dict[str, list[dict]], scale: str, spec: dict) -> dict[str, dict]:
    """What is kept of a claim at other scales: of each, a run that resembles the one at hand most."""
    scales = {}
    for other in SCALES:
        runs = [run for run in kept.get(other, []) if run["claims"].get(name, {}).get("quantities")]
        if other == scale or not runs:
            continue
        run = max(runs, key=lambda one: [one[key] == own[key] for key in ("root_seed", "processor")])
        claim = run["claims"][name]
        at = max(other, spec["scale"], key=SCALES.index)
        rules = {key: [rule_text(rule) for rule in at_scale(spec.get(key, []), at)] for key in ("pass", "gate")}
        now = {"rules": rules["pass"], "gate": rules["gate"], "function": own["claims"][name]["function"]}
        scales[other] = {
            "verdict": claim["verdict"],
            "earlier": differs(now | {"experiment": ""}, claim | {"experiment": ""}),
            "root_seed": run["root_seed"],
            "processor": run["processor"],
            "commit": run["commit"],
            "quantities": claim["quantities"],
        }
    return scales


def beside(name: str, own: dict, kept: dict[str, list[dict]], scale: str, spec: dict) -> dict:
    """What other runs say of one claim.

    Args:
        name: id of the claim.
        own: record of the run at hand (`lib.atlas.evidence.runs.record`).
        kept: kept runs of the paper, by scale.
        scale: of the run at hand.
        spec: the claim in the paper's file.

    Returns:
        `stability` (number of runs, verdicts, whether they turn, root seeds, processors, values of each judged
        quantity) where there are other runs at this scale, and `scales` (verdict and quantities at each) where there
        are any at others.
    """
    others = [run for run in kept.get(scale, []) if not same_run(run, own)]
    stability = of_runs(name, own["claims"][name], [own, *others])
    scales = _of_scales(name, own, kept, scale, spec)
    return ({"stability": stability} if stability else {}) | ({"scales": scales} if scales else {})


def numbers(values: list[int]) -> str:
    """Whole numbers in words: "0 to 4", or "0, 2, 7"."""
    run = len(values) > 2 and values == list(range(values[0], values[-1] + 1))
    return f"{values[0]} to {values[-1]}" if run else ", ".join(map(str, values))


def turns(claim: dict) -> bool:
    """Whether the verdict of a joined claim is not the same in all its runs."""
    return claim.get("stability", {}).get("turns", False)


def kind(claim: dict) -> str:
    """Whether the verdict of a joined claim is the same in all its runs, in words."""
    if "stability" not in claim:
        return "no other run"
    return "turns" if turns(claim) else "the same in every run"


def sentence(stability: dict) -> str:
    """How often a claim holds: "reproduced in 4 of 5 runs (root seeds 0 to 4; 2 processors): the verdict turns"."""
    places = [f"root seeds {numbers(stability['root_seeds'])}"] if len(stability["root_seeds"]) > 1 else []
    places += [f"{len(stability['processors'])} processors"] if len(stability["processors"]) > 1 else []
    held = stability["verdicts"].get(REPRODUCED, 0)
    text = f"{REPRODUCED} in {held} of {stability['runs']} runs" + (f" ({'; '.join(places)})" if places else "")
    text += ": the verdict turns" if stability["turns"] else ""
    text += "; no root seed enters it" if not stability["seeded"] else ""
    return text + (f"; measured with {stability['earlier']}" if stability["earlier"] else "")


def deciding(rule: dict, value) -> float | None:
    """The item of a quantity that decides a rule: the largest below a bound, the smallest above one.

    Args:
        rule: a pass rule.
        value: a number or a list of them.

    Returns:
        Between two bounds, the item nearest to breaking the rule; None where a rule asks for equality or an item is not
        finite.
    """
    values = [float(item) for item in listed(value)]
    if "equals" in rule or not values or not all(map(math.isfinite, values)):
        return None
    if "between" in rule:
        low, high = rule["between"]
        return min(values, key=lambda item: min(item - low, high - item))
    return max(values) if "below" in rule or "at_most" in rule else min(values)


def of_rule(rule: dict, values: list, errors: list) -> dict:
    """Spread of what one rule judges.

    Args:
        rule: a pass rule.
        values: its quantity in each run.
        errors: standard error of the quantity in each run, item by item; None where it is not known.

    Returns:
        `held`: number of runs in which it holds. Where every run has a finite number: `low` and `high` of the deciding
        items. `ratio`: standard deviation over the runs divided by the stated standard error (root mean square),
        median over the items, where items of all runs correspond and have errors.
    """
    entry = {"held": sum(holds(rule, value) for value in values), "runs": len(values)}
    decided = [deciding(rule, value) for value in values]
    if values and None not in decided:
        entry |= {"low": min(decided), "high": max(decided)}
    lengths = {len(listed(value)) for value in values}
    known = all(error is not None and None not in listed(error) for error in errors)
    if len(values) > 2 and known and len(lengths) == 1:
        items, stated = (np.array([listed(one) for one in several], dtype=float) for several in (values, errors))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = items.std(axis=0, ddof=1) / np.sqrt((stated**2).mean(axis=0))
        ratios = ratios[np.isfinite(ratios)]
        if ratios.size:
            entry["ratio"] = float(np.median(ratios))
    return entry
