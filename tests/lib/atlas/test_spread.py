"""Kept runs, what they say of a claim, and how the pages draw it."""

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from lib.atlas.evidence import runs, spread, trend

RULE = {"quantity": "ratio", "at_most": 0.5}
SPEC = {"id": "c1", "scale": "smoke", "pass": [RULE]}


def claim(value, verdict="reproduced", **changes) -> dict:
    """A kept claim."""
    quantity = {"kind": "estimated", "value": value, "se": 0.1, "low": value - 0.2, "high": value + 0.2}
    entry = {"verdict": verdict, "firm": True, "rules": ["ratio ≤ 0.5"], "gate": [], "function": "f", "experiment": "e"}
    return entry | {"seeded": True, "timing": False, "quantities": {"ratio": quantity}} | changes


def run(seed, value, verdict="reproduced", processor="loom", **changes) -> dict:
    """A kept run of one claim."""
    claims = {"c1": claim(value, verdict, **changes)}
    return {"root_seed": seed, "processor": processor, "commit": "abc", "libraries": {}, "claims": claims}


def joined(own: dict, kept: dict, scale="laptop") -> dict:
    """The claim as the audit joins it."""
    others = spread.beside("c1", own, kept, scale, SPEC)
    measured = own["claims"]["c1"]
    check = RULE | {"rule": "ratio ≤ 0.5", "holds": measured["verdict"] == "reproduced", "firm": True}
    return {"id": "c1", "verdict": measured["verdict"], "pass": [check], "quantities": measured["quantities"]} | others


def test_a_verdict_turns_when_one_run_says_otherwise():
    kept = [run(0, 0.1), run(1, 0.3), run(2, 0.7, "not reproduced")]
    stability = joined(run(0, 0.2), {"laptop": kept})["stability"]
    assert (stability["runs"], stability["turns"]) == (3, True)  # the kept run of this seed is the one at hand
    assert stability["quantities"]["ratio"]["values"] == [0.2, 0.3, 0.7]
    assert spread.sentence(stability) == "reproduced in 2 of 3 runs (root seeds 0 to 2): the verdict turns"
    stability = joined(run(0, 0.2), {"laptop": kept[:2]})["stability"]
    assert not stability["turns"]
    assert "stability" not in joined(run(0, 0.2), {"laptop": kept[:1]})


def test_another_processor_is_another_run():
    stability = joined(run(0, 0.2), {"laptop": [run(0, 0.6, "not reproduced", "abacus")]})["stability"]
    assert spread.sentence(stability) == "reproduced in 1 of 2 runs (2 processors): the verdict turns"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rules": ["ratio ≤ 0.9"]}, "an earlier rule"),
        ({"gate": ["error ≤ 1"]}, "an earlier rule"),
        ({"function": "g"}, "earlier code"),
        ({"experiment": "d"}, "earlier code"),
    ],
)
def test_runs_of_an_earlier_rule_or_code_count_only_where_there_are_no_others(change, words):
    kept = [run(1, 0.3, **change), run(2, 0.7, "not reproduced", **change)]
    stability = joined(run(0, 0.2), {"laptop": kept})["stability"]
    assert (stability["runs"], stability["turns"], stability["earlier"]) == (2, True, words)
    assert spread.sentence(stability).endswith(f"measured with {words}")
    stability = joined(run(0, 0.2), {"laptop": [*kept, run(3, 0.3)]})["stability"]
    assert (stability["runs"], stability["turns"], stability["earlier"]) == (2, False, "")


def test_a_claim_that_is_not_judged_has_no_stability():
    kept = [run(seed, 0.2, "not tested at this scale") for seed in (1, 2)]
    assert "stability" not in joined(run(0, 0.2, "not tested at this scale"), {"laptop": kept})


def test_other_scales_show_the_run_that_resembles_the_one_at_hand():
    kept = {"smoke": [run(0, 0.9, processor="abacus"), run(0, 0.8), run(1, 0.7)], "medium": [run(0, 0.1, rules=["x"])]}
    scales = joined(run(0, 0.2), kept)["scales"]
    assert list(scales) == ["smoke", "medium"]
    assert scales["smoke"]["quantities"]["ratio"]["value"] == 0.8
    assert (scales["smoke"]["earlier"], scales["medium"]["earlier"]) == ("", "an earlier rule")


def test_a_rule_is_decided_by_the_item_nearest_to_breaking_it():
    assert spread.deciding({"at_most": 1}, [0.2, 0.9, 0.4]) == 0.9
    assert spread.deciding({"above": 1}, [2, 5]) == 2
    assert spread.deciding({"between": [0, 1]}, [0.5, 0.1]) == 0.1
    assert spread.deciding({"between": [0, 1]}, [0.5, 0.8]) == 0.8
    assert spread.deciding({"equals": 1}, 1) is None
    assert spread.deciding({"at_most": 1}, [0.2, float("nan")]) is None


def test_the_spread_over_runs_is_compared_with_the_stated_error():
    draws = np.random.default_rng(0).normal(0.3, 0.02, size=(400, 5))
    honest = spread.of_rule(RULE, draws.tolist(), np.full((400, 5), 0.02).tolist())
    assert honest["ratio"] == pytest.approx(1, abs=0.1)
    small = spread.of_rule(RULE, draws.tolist(), np.full((400, 5), 0.005).tolist())
    assert small["ratio"] == pytest.approx(4 * honest["ratio"])
    assert (honest["held"], honest["runs"]) == (400, 400)
    assert (honest["low"], honest["high"]) == (draws.max(axis=1).min(), draws.max(axis=1).max())
    assert "ratio" not in spread.of_rule(RULE, [[0.1], [0.2, 0.3], [0.1]], [[0.1], [0.1, 0.1], [0.1]])
    unknown = spread.of_rule(RULE, [0.1, float("nan"), 0.2], [0.1, None, 0.1])
    assert unknown == {"held": 2, "runs": 3}


def test_a_drawing_places_larger_numbers_higher_and_shows_every_run():
    entry = joined(run(0, 0.2), {"laptop": [run(1, 0.3)], "smoke": [run(0, 0.9)], "medium": [run(0, 0.1)]})
    svg = str(trend.drawing(entry, entry["pass"][0], "laptop")).partition("<span")[0]
    root = ElementTree.fromstring(svg)
    assert [text.text for text in root.findall("text") if text.get("class") == "scale"] == ["smoke", "laptop", "medium"]
    filled = [circle for circle in root.findall("circle") if circle.get("class") is None]
    heights = [float(circle.get("cy")) for circle in filled]
    assert heights[0] < heights[1] < heights[2]  # 0.9, 0.2, 0.1: a larger number lies higher
    assert len([circle for circle in root.findall("circle") if circle.get("class") == "run"]) == 1
    bound = float(root.find("line[@class='bound']").get("y1"))
    assert heights[0] < bound < heights[1]
    good = root.find("rect")
    assert float(good.get("y")) == bound  # at most: the range below the bound holds
    assert "smoke 0.9; laptop 0.2; medium 0.1" in root.get("aria-label")


def test_what_a_page_says_of_other_runs_is_escaped_and_absent_without_any():
    entry = joined(run(0, 0.2), {"laptop": [run(1, 0.7, "not reproduced", processor="<b>")]})
    entry["stability"]["earlier"] = "<script>"
    assert "<script>" not in trend.scales(entry, "laptop") + trend.mark(entry)
    assert "verdict turns" in trend.mark(entry)
    alone = joined(run(0, 0.2), {})
    assert trend.scales(alone, "laptop") == trend.mark(alone) == ""


def test_a_run_replaces_that_of_its_seed_and_processor_and_drops_those_that_count_no_more(tmp_path):
    kept = [run(0, 0.1), run(1, 0.2), run(2, 0.3, function="old"), run(0, 0.4, processor="abacus")]
    after = runs.merged(kept, [run(1, 0.25)])
    assert [(one["root_seed"], one["processor"]) for one in after] == [(0, "loom"), (0, "abacus"), (1, "loom")]
    file = runs.path(tmp_path, "laptop", "lines")
    runs.write(file, after)
    assert runs.read(file) == after
    failed = {"root_seed": 3, "processor": "loom", "commit": "", "failed": "train: nan", "claims": {}}
    runs.write(file, runs.merged(after, [failed]))
    assert runs.read(file)[-1] == failed
    assert len(runs.read(file)) == 4


@pytest.mark.parametrize("text", ["", "[]", '{"paper": "lines", "scale": "smoke", "runs": []}', '{"runs": [{}]}'])
def test_a_damaged_file_of_kept_runs_is_one_line(tmp_path, text):
    file = runs.path(tmp_path, "laptop", "lines")
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(ValueError, match=r"lines\.json: got no kept runs"):
        runs.read(file)


def content(seeds: tuple, code: str = "c") -> dict:
    """A `claims.json` with one store for each root seed."""
    stores = [{"store": f"draw_{i}", "code": code, "root_seed": seed} for i, seed in enumerate(seeds)]
    inputs = {"means": {"store": "means", "digest": "d", "code": "m", "commit": "x", "inputs": {"draws": stores}}}
    provenance = {"paper": "lines", "inputs": inputs, "parameters": {}, "libraries": {}, "commit": "abc"}
    entry = {"id": "c1", "verdict": "reproduced", "firm": True, "pass": [{"rule": "ratio ≤ 0.5"}], "gate": []}
    entry |= {"rests_on": ["means"], "quantities": {"ratio": {"value": 0.1}, "other": {"value": 1}}}
    return {"scale": "laptop", "claims": [entry], "provenance": json.loads(json.dumps(provenance))}


def test_a_record_knows_its_seed_its_experiment_and_what_its_rules_judge():
    one, other = runs.record(content((0, 0))), runs.record(content((1, 1)))
    assert (one["root_seed"], other["root_seed"], runs.record(content(()))["root_seed"]) == (0, 1, None)
    assert one["claims"]["c1"]["experiment"] == other["claims"]["c1"]["experiment"]
    changed = runs.record(content((0, 0), code="d"))
    assert one["claims"]["c1"]["experiment"] != changed["claims"]["c1"]["experiment"]
    assert list(one["claims"]["c1"]["quantities"]) == ["ratio"]
    assert (one["claims"]["c1"]["seeded"], runs.record(content(()))["claims"]["c1"]["seeded"]) == (True, False)
    with pytest.raises(ValueError, match=r"lines: got stores of the root seeds \[0, 1\] in one run"):
        runs.record(content((0, 1)))


def test_what_is_everywhere_the_same_is_named_and_not_drawn():
    entry = joined(run(0, 0.2), {"laptop": [run(1, 0.2)], "smoke": [run(0, 0.2)]})
    text = str(trend.scales(entry, "laptop"))
    assert "everywhere the same: ratio" in text
    assert "<svg" not in text
    other = joined(run(0, 0.2), {"laptop": [run(1, 0.2)], "smoke": [run(0, 0.3)]})
    assert "<details>" in trend.scales(other, "laptop")
    assert "<details>" not in trend.scales(other | {"central": True}, "laptop")
