"""Verdicts follow from pass rules and measurements alone."""

import math

import numpy as np
import pytest

from lib.atlas.job import claims as c


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
    return {"rests_on": ["x"], "quantities": {name: c.measured(value) for name, value in quantities.items()}}


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


def test_measured_quantities_are_plain_and_checked():
    assert c.measured(np.float32(0.5))["value"] == 0.5
    assert c.measured(np.array([1, 2]), se=[0.1, 0.2], labels=["a", "b"], seeds=range(2))["seeds"] == [0, 1]
    for bad in ({"value": [[1]]}, {"value": "x"}, {"value": [1, 2], "se": 0.1}, {"value": [1, 2], "labels": ["a"]}):
        with pytest.raises(ValueError):
            c.measured(**bad)


def _claims(source: str) -> dict:
    """The claims of a script."""
    namespace = {"__name__": "script"}
    exec(compile(source, "claims.py", "exec"), namespace)
    return c.functions(namespace)


def test_a_claim_rests_on_its_own_arguments():
    claims = _claims(
        "from math import sqrt\n"
        "def _helper(x): return x + 1\n"
        "def a1(second, first, level): return {'q': _helper(first), 'level': level}\n"
        "def a2(first, rng): return {'q': rng}\n"
        "def a3(first, absent): return {'q': absent}\n"
        "def a4(first, absent=None): return None\n"
    )
    assert sorted(claims) == ["a1", "a2", "a3", "a4"]
    rules = [{"id": name, "scale": "paper" if name in ("a3", "a4") else "smoke"} for name in claims]
    gift = {"rng": lambda: 7}
    measurements = c.measure(claims, rules, "laptop", {"first": 1, "second": 2}, {"level": 0.05}, gift)
    assert measurements == {
        "a1": {"rests_on": ["second", "first"], "quantities": {"q": {"value": 2}, "level": {"value": 0.05}}},
        "a2": {"rests_on": ["first"], "quantities": {"q": {"value": 7}}},
    }


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def a1(x): return {'q': x}\ndef a2(x): return {'q': x}", "function a2"),
        ("def _a1(x): return {'q': x}", "no function a1"),
        ("def a1(x, absent): return {'q': x}", "claim a1 takes 'absent'"),
        ("def a1(): return {'q': 1}", "no claim takes 'x'"),
        ("def a1(x): return {'q': x / 0}", "claim a1: ZeroDivisionError"),
        ("def a1(x): return {'q': 'many'}", "expected a number"),
    ],
)
def test_claims_that_do_not_fit_are_named(source, words):
    with pytest.raises(ValueError, match=words):
        c.measure(_claims(source), _rules(), "laptop", {"x": 1.0}, {}, {})
