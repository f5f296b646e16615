"""What the audit says of its totals follows from the verdicts."""

import numpy as np
import pytest

from lib.atlas.evidence import audit, pages
from lib.atlas.job.claims import NOT_REPRODUCED, NOT_TESTED, REPRODUCED
from lib.atlas.job.quantities import estimated
from lib.stats.intervals import estimate_mean


def claim(verdict, setting, central=True, known_from="read in the paper"):
    return {"verdict": verdict, "setting": setting, "central": central, "known_from": known_from}


CLAIMS = [
    claim(REPRODUCED, "as in the paper"),
    claim(REPRODUCED, "reduced"),
    claim(REPRODUCED, "reduced", known_from="from memory"),
    claim(NOT_REPRODUCED, "stand-in"),
    claim(NOT_TESTED, "as in the paper"),
    claim(NOT_REPRODUCED, "ours", central=False),
]


def test_the_headline_counts_central_claims_by_setting():
    assert audit.headline(CLAIMS) == (
        "Of 5 central claims 3 reproduced: 1 in the paper's own setting, 2 in a reduced one; "
        "1 not reproduced; 1 not tested at this scale."
    )
    assert audit.headline(CLAIMS[:1]) == "Of 1 central claims 1 reproduced: 1 in the paper's own setting."
    turning = CLAIMS[0] | {"stability": {"turns": True}}
    assert audit.headline([turning]).endswith("in the paper's own setting; 1 of these verdicts turns.")
    assert audit.headline([]) == "Of 0 central claims 0 reproduced."


def test_every_claim_is_counted_once_in_each_breakdown():
    for key in ("setting", "known_from", "central"):
        table = audit.breakdown(CLAIMS, key)
        assert sum(sum(row.values()) for row in table.values()) == len(CLAIMS)
    assert audit.breakdown(CLAIMS, "setting")["reduced"][REPRODUCED] == 2


def test_a_setting_is_that_of_the_scale_at_which_the_claim_is_judged():
    setting = {"laptop": "reduced", "paper": "as in the paper"}
    assert audit.setting_at("ours", "smoke", "laptop") == "ours"
    assert audit.setting_at(setting, "smoke", "laptop") == "reduced"
    assert audit.setting_at(setting, "medium", "laptop") == "reduced"
    assert audit.setting_at(setting, "laptop", "paper") == "as in the paper"
    with pytest.raises(ValueError, match="no setting at scale smoke"):
        audit.setting_at(setting, "smoke", "smoke")


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\t=1", "-1+cmd"])
def test_no_cell_of_the_table_is_a_formula(text):
    assert audit.inert(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["-10", "+1.5e-3", "0.5", "a = b", "", -3, None])
def test_numbers_and_words_stay_in_the_table(cell):
    assert audit.inert(cell) == cell


def test_a_list_without_items_is_words_too():
    """At a small scale there may be nothing to estimate: budgets that no run needs, graphs that none has."""
    quantity = estimated(estimate_mean(np.zeros((3, 0))), "runs", labels=[]) | {"n": []}
    assert pages.units(quantity) == "over no runs"
    assert pages.parts(quantity) == []


@pytest.mark.parametrize(
    ("n", "units", "words"),
    [
        (1, "seeds", "over 1 seed"),
        (1, "clips, one training", "over 1 clip, one training"),
        (5, "seeds", "over 5 seeds"),
        ([3, 1, 3], "seeds", "over 1 to 3 seeds"),
    ],
)
def test_one_unit_is_in_the_singular(n, units, words):
    assert pages.units({"value": 0.0, "n": n, "units": units}) == words


def test_a_failing_number_stands_apart_from_its_label():
    claim = {
        "pass": [{"quantity": "mean_gap", "at_most": 0.5, "holds": False}],
        "quantities": {"mean_gap": {"value": [0.25, 2.0], "labels": ["n = 10", "n = 20"]}},
    }
    assert pages.failing(claim) == ["mean gap: n = 20: 2, needs at most 0.5"]
