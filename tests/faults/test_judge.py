"""The test of the judge in small: what is planted, what an error does to a claim, and the kept counts."""

import json

import numpy as np
import pytest
import xarray as xr

from lib.atlas.job import claims
from lib.atlas.job.quantities import exact, mean_over
from tests.faults import errors, judge
from tests.papers import judged

STORE = xr.Dataset(
    {
        "error": (("estimator", "seed"), [[1.0, 1.1, 0.9], [2.0, 2.2, 2.4]]),
        "hits": ("seed", [3, 4, 5]),
        "unread": ("seed", [0.1, 0.2, 0.3]),
        "model": ("seed", ["small", "small", "large"]),
    },
    coords={"estimator": ["ours", "theirs"]},
)


def ratio(study) -> dict:
    """Ours has half the error of theirs."""
    error = study.error.sel(estimator="ours") / study.error.sel(estimator="theirs")
    return {"ratio": mean_over("seeds", error.values), "hits": exact(study.hits.values)}


def case(function=ratio, bound=0.7) -> judge.Case:
    rule = {"id": "c1", "scale": "smoke", "pass": [{"quantity": "ratio", "below": bound}], "gate": []}
    return judge.Case("toy", "c1", function, rule, {"study": STORE}, {}, 0)


def planted() -> dict[tuple[str, str], errors.Error]:
    return {(error.kind, error.place): error for error in errors.planted({"study": STORE}, {"seed"})}


def test_errors_of_every_kind_are_planted_and_each_changes_the_store():
    found = planted()
    assert {kind for kind, _ in found} == {
        "every value times 2", "a constant: the mean for every value", "every count off by one",
        errors.NOT_A_NUMBER, errors.ONE_NOT_A_NUMBER, errors.SWAPPED, "units repeated: one seed for all",
    }  # fmt: skip
    assert all(not error.value().identical(STORE) for error in found.values())
    swapped = found[errors.SWAPPED, "ours and theirs of estimator"].value()
    assert swapped.error.sel(estimator="ours").values.tolist() == [2.0, 2.2, 2.4]
    repeated = found["units repeated: one seed for all", "seed"].value()
    assert repeated.error.values.tolist() == [[1.0] * 3, [2.0] * 3]
    assert list(errors.planted({"study": STORE[["hits"]] * 0 + 1}, {"estimator"}))  # a count off by one at least
    constant = xr.Dataset({"error": ("estimator", [1.0, 1.0])}, coords={"estimator": ["ours", "theirs"]})
    assert errors.SWAPPED not in {error.kind for error in errors.planted({"study": constant}, set())}


@pytest.mark.parametrize(
    ("kind", "place", "what"),
    [
        (errors.SWAPPED, "ours and theirs of estimator", judge.VERDICT),
        (errors.NOT_A_NUMBER, "error", judge.VERDICT),
        ("every value times 2", "error", judge.SILENT),  # a ratio does not mind
        ("every count off by one", "hits", judge.NUMBERS),  # no rule is about them
        ("units repeated: one seed for all", "seed", judge.NUMBERS),
        (errors.NOT_A_NUMBER, "unread", judge.UNREAD),
        (errors.SWAPPED, "small and large of model", judge.UNREAD),
    ],
)
def test_what_an_error_does_to_a_claim(kind, place, what):
    outcomes = {(error.kind, error.place): loudest for error, loudest, _ in judge.plant([case()])}
    assert outcomes[kind, place] == what


def test_a_claim_that_fails_on_an_error_stops_the_run_and_one_near_its_bound_loses_its_firmness():
    def strict(study) -> dict:
        if np.isnan(study.error).any():
            raise ValueError("not a number")
        return ratio(study)

    outcomes = {(error.kind, error.place): loudest for error, loudest, _ in judge.plant([case(strict)])}
    assert outcomes[errors.NOT_A_NUMBER, "error"] == judge.STOPS
    near = case(bound=0.55)
    before = near.judge(near.inputs)
    assert not before["firm"]
    repeated = planted()["units repeated: one seed for all", "seed"].value()
    assert judge.outcome(before, near.judge({"study": repeated})) == judge.FIRMNESS


def test_a_claim_that_makes_a_number_of_what_is_none_is_named():
    def careless(study) -> dict:
        return {"ratio": exact(0.5), "above": exact(int((study.error > 1).sum()))}

    named = {(error.kind, error.place): names for error, _, names in judge.plant([case(careless)])}
    assert named[errors.NOT_A_NUMBER, "error"] == ["c1"]
    honest = {(error.kind, error.place): names for error, _, names in judge.plant([case()])}
    assert honest[errors.NOT_A_NUMBER, "error"] == []


def test_one_store_of_several_may_hold_no_values():
    pair = [xr.Dataset({"loss": ("seed", values)}) for values in (np.zeros(0), np.array([1.0, 2.0]))]
    found = {error.kind: error.value() for error in errors.planted({"runs": pair}, set())}
    assert found[errors.ONE_NOT_A_NUMBER][0].sizes["seed"] == 0
    assert np.isnan(found[errors.ONE_NOT_A_NUMBER][1].loss.values).tolist() == [True, False]


def test_exchanged_stores_say_of_themselves_what_the_other_says():
    pair = [xr.Dataset({"loss": ("seed", [value])}, attrs={"model": name}) for value, name in ((1.0, "a"), (2.0, "b"))]
    found = {error.kind: error.value() for error in errors.planted({"runs": pair}, set())}
    exchanged = {run.attrs["model"]: run.loss.item() for run in found["two stores exchanged"]}
    assert exchanged == {"b": 1.0, "a": 2.0}


def test_a_broken_promise_is_a_line():
    row = {"reproduced": 1, "not reproduced": 1, "not a number": 0}
    paper = {"a function of constants": {"the paper's tests": 2}, "tampering": {"a verdict turned": [1, 1]}}
    assert judge.broken({"papers": {"toy": paper}, "central": {"toy": {"c1": row}}}) == []
    assert judge.broken({"papers": {"toy": paper}, "central": {"toy": {"c1": {**row, "not reproduced": 0}}}}) != []
    for wrong in ({"a function of constants": {judge.SILENT: 1}}, {"tampering": {"a verdict turned": [2, 1]}}):
        assert judge.broken({"papers": {"toy": {**paper, **wrong}}, "central": {}}) != []


def test_the_document_has_the_kept_counts():
    kept = json.loads(judge.KEPT.read_text())
    text = judge.DOCUMENT.read_text().partition(judge.BEGIN)[2].partition(judge.END)[0]
    assert text.strip() == judge.document(kept)
    assert judge.broken(kept) == []


def test_a_claim_that_a_test_finds_untested_counts_neither_way():
    untested = judged.Judged("toy", "c1", {}, {"verdict": claims.NOT_TESTED, "quantities": {}, "rests_on": ["study"]})
    assert judge.bounds([case()], [untested]) == {judge.SILENT: 1}
    assert judge.constants([case()], [untested]) == {judge.SILENT: 1}
