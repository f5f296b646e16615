"""Prose of a paper's file shows what a run measured, and a placeholder that cannot be filled is one clear error."""

import pytest

from lib.atlas import prose
from lib.atlas.job.claims import judge
from lib.atlas.job.quantities import estimated, exact, mean_over
from lib.stats.intervals import Estimate

RULES = [
    {"id": "c1", "scale": "smoke", "pass": [{"quantity": "ratio", "below": 2}]},
    {"id": "c2", "scale": "paper", "pass": [{"quantity": "ratio", "below": 2}]},
]
QUANTITIES = {
    "ratio": estimated(Estimate(1.23456, 0.0321, 1.1717, 1.2975, 12), "seeds"),
    "errors": mean_over("seeds", [[1.0, 20.0], [2.0, 30.0], [3.0, 40.0]], labels=["n = 1", "[0.1, 1]"]),
    "counts": exact([3, 4, 5]),
    "fraction": exact(1 / 3),
    "holds": exact(True),
    "lost": exact(float("nan")),
    "tiny": estimated(Estimate(3.21e-12, 1.5e-13, 2.9e-12, 3.5e-12, 5), "draws"),
}


def claims(scale="laptop", quantities=QUANTITIES) -> dict[str, dict]:
    judged = judge(RULES, {"c1": {"rests_on": [], "quantities": quantities}}, scale) if scale != "paper" else []
    return {entry["id"]: entry for entry in judged}


@pytest.mark.parametrize(
    ("placeholder", "text"),
    [
        ("{c1.ratio}", "1.235"),
        ("{c1.ratio.se}", "0.032"),
        ("{c1.ratio.low} to {c1.ratio.high}", "1.172 to 1.298"),
        ("{c1.ratio.n} seeds", "12 seeds"),
        ("{c1.ratio:.1f}", "1.2"),
        ("{c1.ratio:.0%}", "123%"),
        ("{c1.ratio.se:.1e}", "3.2e-02"),
        ("{c1.errors[n = 1]}", "2.00"),
        ("{c1.errors[n\n  = 1]}", "2.00"),
        ("{c1.errors[[0.1, 1]].n}", "3"),
        ("{c1.errors[1]}", "30.0"),
        ("{c1.errors[-1]:.0f}", "30"),
        ("{c1.errors}", "2.00 (n = 1) and 30.0 ([0.1, 1])"),
        ("{c1.counts}", "3, 4 and 5"),
        ("{c1.counts[0]:.1f}", "3.0"),
        ("{c1.fraction}", "0.3333"),
        ("{c1.fraction.se}", "unknown"),
        ("{c1.holds}", "yes"),
        ("{c1.lost:.2f}", "not finite"),
        ("{c1.tiny}", "3.21e-12"),
        ("{c1.verdict}", "reproduced"),
        ("{c2.ratio}", "(not measured at this scale)"),
        ("{c2.verdict}", "not tested at this scale"),
        ("K_{1,3} and {0, 1}", "K_{1,3} and {0, 1}"),
        ("twice {c1.counts[0]}, {c1.counts[0]}", "twice 3, 3"),
    ],
)
def test_a_placeholder_is_filled_from_the_claims(placeholder, text):
    assert prose.fill(placeholder, claims(), "laptop", "here") == text


def test_what_has_no_claims_yet_says_so():
    assert prose.fill("It is {c1.ratio:.2f}.", {}, "laptop", "here") == "It is (not measured yet)."


def test_a_claim_that_needs_data_says_so():
    judged = judge(RULES[:1], {"c1": {"rests_on": [], "quantities": {}, "needs": ["corpus"]}}, "laptop")
    text = prose.fill("{c1.ratio}", {"c1": judged[0]}, "laptop", "here")
    assert text == "(not measured: it needs data)"


@pytest.mark.parametrize(
    ("placeholder", "words"),
    [
        ("{c1.ration}", ["here: {c1.ration}", "claim c1 has no ration", "ratio, errors"]),
        ("{c1.errors[n = 2]}", ["errors has no item n = 2", "n = 1, [0.1, 1]"]),
        ("{c1.counts[3]}", ["counts has no item 3", "0 to 2"]),
        ("{c1}", ["here: got {c1}", "as in {c5.ratio}"]),
        ("{c1.ratio:.2q}", ["got {c1.ratio:.2q}", "a format of a number"]),
    ],
)
def test_a_placeholder_that_cannot_be_filled_is_one_line(placeholder, words):
    with pytest.raises(prose.ProseError) as error:
        prose.fill(placeholder, claims(), "laptop", "here")
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_an_item_may_be_missing_at_another_scale_than_the_texts_are_for():
    assert prose.fill("{c1.errors[n = 2]}", claims("smoke"), "smoke", "here") == "(not measured at this scale)"


def test_captions_remarks_and_notes_are_filled_and_the_file_stays():
    spec = {
        "paper": {"notes": ["first", "{c1.counts[0]}"]},
        "figures": {"one": {"caption": "At {c1.ratio}."}},
        "claims": [{"id": "c1", "remarks": "{c1.fraction}"}, {"id": "c2"}],
    }
    full = prose.filled(spec, list(claims().values()), "laptop", "file")
    assert full["paper"]["notes"] == ["first", "3"]
    assert full["figures"]["one"]["caption"] == "At 1.235."
    assert full["claims"][0]["remarks"] == "0.3333"
    assert spec["claims"][0]["remarks"] == "{c1.fraction}"


def test_a_claim_that_the_paper_does_not_have_is_named():
    spec = {"paper": {}, "figures": {"one": {"caption": "At {c3.ratio}."}}, "claims": [{"id": "c1"}]}
    with pytest.raises(prose.ProseError, match=r"file: figures.one.caption: \{c3.ratio\}: got c3, expected one of c1"):
        prose.check(spec, "file")
