"""Verdicts follow from pass rules and measurements alone."""

import math

import numpy as np
import pytest

from lib.atlas import claims as c


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


def _rules(**more):
    return [{"id": "a1", "scale": "laptop", "pass": [{"quantity": "q", "below": 1}], **more}]


def test_verdicts_by_scale():
    found = {"a1": c.claim(rests_on=["x"], q=0.5)}
    assert c.judge(_rules(), found, "laptop")[0]["verdict"] == c.REPRODUCED
    assert c.judge(_rules(), {"a1": c.claim(rests_on=["x"], q=2)}, "paper")[0]["verdict"] == c.NOT_REPRODUCED
    early = c.judge(_rules(), found, "smoke")[0]
    assert early["verdict"] == c.NOT_TESTED
    assert early["quantities"]["q"]["value"] == 0.5
    assert c.judge(_rules(), {}, "smoke")[0]["verdict"] == c.NOT_TESTED


def test_rules_of_the_nearest_smaller_scale_hold():
    rules = {"laptop": [{"quantity": "q", "below": 1}], "paper": [{"quantity": "q", "below": 0.1}]}
    found = {"a1": c.claim(rests_on=["x"], q=0.5)}
    verdicts = [
        c.judge(_rules(**{"pass": rules}), found, scale)[0]["verdict"] for scale in ("laptop", "medium", "paper")
    ]
    assert verdicts == [c.REPRODUCED, c.REPRODUCED, c.NOT_REPRODUCED]


def test_what_was_not_measured_is_an_error():
    with pytest.raises(ValueError, match="nothing was measured"):
        c.judge(_rules(), {}, "laptop")
    with pytest.raises(ValueError, match="names 'q'"):
        c.judge(_rules(), {"a1": c.claim(rests_on=["x"], other=1)}, "laptop")
    with pytest.raises(ValueError, match="no such claim"):
        c.judge(_rules(), {"b1": c.claim(rests_on=["x"], q=1)}, "laptop")


def test_measured_quantities_are_plain_and_checked():
    assert c.measured(np.float32(0.5))["value"] == 0.5
    assert c.measured(np.array([1, 2]), se=[0.1, 0.2], labels=["a", "b"], seeds=range(2))["seeds"] == [0, 1]
    for bad in ({"value": [[1]]}, {"value": "x"}, {"value": [1, 2], "se": 0.1}, {"value": [1, 2], "labels": ["a"]}):
        with pytest.raises(ValueError):
            c.measured(**bad)
    with pytest.raises(ValueError, match="rests_on"):
        c.claim(rests_on="theory", q=1)
