"""Verdicts follow from pass rules and measurements alone."""

import math

import numpy as np
import pytest

from lib.atlas.job import claims as c
from lib.atlas.job import quantities as q
from lib.stats.intervals import Estimate


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ({"below": 1}, 0.5, True),
        ({"below": 1}, 1, False),
        ({"at_most": 1}, 1, True),
        ({"above": 0}, [1, 2, 0], False),
        ({"at_least": 0}, [1, 2, 0], True),
        ({"between": [0, 1]}, [0.0, 1.0], True),
        ({"between": [0, 1]}, [0.0, 1.1], False),
        ({"equals": [2, 3, 6]}, [2, 3, 6], True),
        ({"equals": [2, 3, 6]}, [2, 3], False),
        ({"equals": [False, False]}, [False, True], False),
        ({"equals": 1}, [1, 1.0], True),
        ({"below": 1}, math.nan, False),
        ({"above": 1}, math.inf, False),
        ({"below": 1}, [], False),
    ],
)
def test_rules(rule, value, expected):
    assert c.holds({"quantity": "q", **rule}, value) is expected


def _measurement(**quantities):
    return {"rests_on": ["x"], "quantities": {name: q.exact(value) for name, value in quantities.items()}}


def _rules(**more):
    return [{"id": "a1", "scale": "laptop", "pass": [{"quantity": "q", "below": 1}], **more}]


def test_verdicts_by_scale():
    measurements = {"a1": _measurement(q=0.5)}
    assert c.judge(_rules(), measurements, "laptop")[0]["verdict"] == c.REPRODUCED
    assert c.judge(_rules(), {"a1": _measurement(q=2)}, "paper")[0]["verdict"] == c.NOT_REPRODUCED
    early = c.judge(_rules(), measurements, "smoke")[0]
    assert early["verdict"] == c.NOT_TESTED
    assert early["quantities"]["q"]["value"] == 0.5
    assert c.judge(_rules(), {}, "smoke")[0]["verdict"] == c.NOT_TESTED


def test_rules_of_the_nearest_smaller_scale_hold():
    rules = {"laptop": [{"quantity": "q", "below": 1}], "paper": [{"quantity": "q", "below": 0.1}]}
    measurements = {"a1": _measurement(q=0.5)}
    verdicts = [
        c.judge(_rules(**{"pass": rules}), measurements, scale)[0]["verdict"] for scale in ("laptop", "medium", "paper")
    ]
    assert verdicts == [c.REPRODUCED, c.REPRODUCED, c.NOT_REPRODUCED]


def test_what_was_not_measured_is_an_error():
    with pytest.raises(ValueError, match="nothing was measured"):
        c.judge(_rules(), {}, "laptop")
    with pytest.raises(ValueError, match="names 'q'"):
        c.judge(_rules(), {"a1": _measurement(other=1)}, "laptop")
    with pytest.raises(ValueError, match="no such claim"):
        c.judge(_rules(), {"b1": _measurement(q=1)}, "laptop")


def test_quantities_are_plain_and_checked():
    assert q.exact(np.float32(0.5)) == {"kind": "exact", "value": 0.5}
    assert q.exact(np.array([1, 2]), labels=["a", "b"])["labels"] == ["a", "b"]
    mean = q.mean_over("seeds", np.array([[1.0, 2.0], [3.0, 2.0]]), labels=["a", "b"], ids=range(2))
    assert mean["value"] == [2.0, 2.0]
    assert mean["se"] == [1.0, 0.0]
    assert (mean["n"], mean["units"], mean["ids"]) == (2, "seeds", [0, 1])
    alone = q.mean_over("seeds", [3.0])
    assert (alone["value"], alone["se"], alone["low"], alone["n"]) == (3.0, None, None, 1)
    share = q.share_of("runs", 0, 10)
    assert share["low"] == 0
    assert share["high"] == pytest.approx(1 - 0.025 ** (1 / 10))  # the exact interval at zero hits
    for bad in ([[1]], "x", None):
        with pytest.raises(ValueError, match="expected"):
            q.exact(bad)
    with pytest.raises(ValueError, match="labels"):
        q.exact([1, 2], labels=["a"])
    with pytest.raises(ValueError, match="unit"):
        q.mean_over("seeds", [])


@pytest.mark.parametrize("value", [0.5, True, [1, 2], {"value": 0.5}])
def test_a_quantity_that_does_not_say_how_sure_it_is_is_refused(value):
    with pytest.raises(ValueError, match=r"claim a1: quantity q: got .*, expected exact"):
        c.measure({"a1": lambda: {"q": value}}, [{"id": "a1", "scale": "laptop"}], "laptop", {}, {}, {})


def _between(value, low, high):
    return q.estimated(Estimate(value, value, low, high, 5), "seeds")


@pytest.mark.parametrize(
    ("rule", "quantity", "firm"),
    [
        ({"below": 1}, _between(0.5, 0.4, 0.6), True),
        ({"below": 1}, _between(0.9, 0.7, 1.1), False),
        ({"below": 1}, _between(1.1, 0.9, 1.3), False),
        ({"below": 1}, _between(1.5, 1.3, 1.7), True),
        ({"at_least": 1}, _between(1.0, 1.0, 1.2), True),
        ({"between": [0, 1]}, _between(0.5, 0.1, 0.9), True),
        ({"between": [0, 1]}, _between(0.5, -0.1, 0.9), False),
        ({"between": [0, 1]}, _between(-1.0, -2.0, 0.1), False),
        ({"between": [0, 1]}, _between(-1.0, -2.0, -0.1), True),
        ({"equals": 0}, _between(0.1, -0.1, 0.3), False),
        ({"equals": 0}, _between(0.2, 0.1, 0.3), True),
        ({"equals": [2, 3]}, q.exact([2, 3]), True),
        ({"below": 1}, q.exact(0.5), True),
        ({"below": 1}, q.exact(math.nan), True),
        ({"below": 1}, q.mean_over("seeds", [0.5]), False),
        ({"below": 1}, _between([0.5, 0.9], [0.4, 0.7], [0.6, 1.1]), False),
        ({"below": 1}, _between([1.5, 1.1], [1.4, 0.9], [1.6, 1.3]), True),
    ],
)
def test_a_rule_is_firm_where_the_whole_interval_lies_on_one_side(rule, quantity, firm):
    assert c.is_firm({"quantity": "q", **rule}, quantity) is firm


def test_a_closed_gate_leaves_the_verdict_open():
    rules = _rules(gate=[{"quantity": "gate", "at_most": 0.1}])
    for gate, verdict in ((0.05, c.REPRODUCED), (0.2, c.NOT_EVALUATED), (math.nan, c.NOT_EVALUATED)):
        quantities = {"q": q.exact(0.5), "gate": q.exact(gate)}
        (entry,) = c.judge(rules, {"a1": {"rests_on": ["x"], "quantities": quantities}}, "laptop")
        assert entry["verdict"] == verdict
        assert entry["pass"] == [{"rule": "q < 1", "holds": True, "firm": True}]
    assert entry["firm"] is None


def _claims(source: str) -> dict:
    """The claims of a script."""
    namespace = {"__name__": "script"}
    exec(compile(source, "claims.py", "exec"), namespace)
    return c.functions(namespace)


def test_a_claim_rests_on_its_own_arguments():
    claims = _claims(
        "from math import sqrt\n"
        "from lib.atlas.job.quantities import exact as _exact\n"
        "def _helper(x): return _exact(x + 1)\n"
        "def a1(second, first, level): return {'q': _helper(first), 'level': _exact(level)}\n"
        "def a2(first, rng): return {'q': _exact(rng)}\n"
        "def a3(first, absent): return {'q': _exact(absent)}\n"
        "def a4(first, absent=None): return None\n"
    )
    assert sorted(claims) == ["a1", "a2", "a3", "a4"]
    rules = [{"id": name, "scale": "paper" if name in ("a3", "a4") else "smoke"} for name in claims]
    gift = {"rng": lambda: 7}
    measurements = c.measure(claims, rules, "laptop", {"first": 1, "second": 2}, {"level": 0.05}, gift)
    assert measurements == {
        "a1": {"rests_on": ["second", "first"], "quantities": {"q": q.exact(2), "level": q.exact(0.05)}},
        "a2": {"rests_on": ["first"], "quantities": {"q": q.exact(7)}},
    }


def test_a_claim_whose_data_nobody_supplied_says_so():
    claims = _claims(
        "from lib.atlas.job.quantities import exact\n"
        "def a1(x): return {'q': exact(x)}\ndef a2(records): return {'q': exact(records)}\n"
    )
    rules = [{"id": name, "scale": "paper", "pass": [{"quantity": "q", "below": 1}]} for name in claims]
    measurements = c.measure(claims, rules, "paper", {"x": 0.5}, {}, {}, {"records": ["ecg"]})
    first, second = c.judge(rules, measurements, "paper")
    assert first["verdict"] == c.REPRODUCED
    assert (second["verdict"], second["needs"], second["firm"]) == (c.NEEDS_DATA, ["ecg"], None)
    assert second["pass"][0]["holds"] is None
    assert c.judge(rules, {}, "laptop")[1]["verdict"] == c.NOT_TESTED


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def a1(x): return {'q': x}\ndef a2(x): return {'q': x}", "function a2"),
        ("def _a1(x): return {'q': x}", "no function a1"),
        ("def a1(x, absent): return {'q': x}", "claim a1 takes 'absent'"),
        ("def a1(): return {'q': 1}", "no claim takes 'x'"),
        ("def a1(x): return {'q': x / 0}", "claim a1: ZeroDivisionError"),
        ("def a1(x): return {'q': 'many'}", "quantity q: got 'many'"),
    ],
)
def test_claims_that_do_not_fit_are_named(source, words):
    with pytest.raises(ValueError, match=words):
        c.measure(_claims(source), _rules(), "laptop", {"x": 1.0}, {}, {})
