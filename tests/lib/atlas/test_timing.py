"""Measured times: marked where they are made, inherited by what rests on them, never compared number by number."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from lib.atlas.__main__ import main
from lib.atlas.evidence import compare
from lib.atlas.job import figure, stage, store
from lib.atlas.job.quantities import exact


class Named(list):
    """A Snakemake list: its entries, and their names."""

    def __init__(self, **entries):
        super().__init__(entries.values())
        self.entries = entries

    def items(self):
        return self.entries.items()


def job(folder, rule, output, function, inputs=None, **params):
    """Run a function as the job of a rule."""
    root = folder / "results"
    given = SimpleNamespace(
        rule=f"toy_{rule}",
        input=Named(**{name: f"{root}/smoke/toy/{path}" for name, path in (inputs or {}).items()}),
        output=Named(out=f"{root}/smoke/toy/{output}"),
        params=Named(**params),
        wildcards=Named(),
        config={"scale": "smoke", "results": str(root), "device": "cpu"},
        threads=1,
        scriptdir=str(folder / "workflow/scripts/toy"),
    )
    run = stage._execute_claims if "pass_rules" in params else stage._execute
    run(function, stage._job(given))


def measure(seconds):
    return lambda: xr.Dataset({"seconds": ("i", np.array(seconds))}, coords={"i": [0, 1]}, attrs={"timing": True})


def draw(times):
    drawing, axis = figure.new_figure()
    axis.plot(times.seconds)
    return drawing


CLAIMS = {
    "t1": lambda times: {"seconds": exact(float(times.seconds.min()))},
    "t2": lambda facts: {"value": exact(float(facts.value))},
}
RULES = [
    {"id": "t1", "scale": "smoke", "pass": [{"quantity": "seconds", "above": 0}]},
    {"id": "t2", "scale": "smoke", "pass": [{"quantity": "value", "above": 0}]},
]


def one_run(folder, seconds, value=1.0):
    job(folder, "measure", "times.zarr.zip", measure(seconds))
    job(folder, "know", "facts.zarr.zip", lambda: xr.Dataset({"value": value}))
    job(folder, "double", "double.zarr.zip", lambda times: times[["seconds"]] * 2, {"times": "times.zarr.zip"})
    job(folder, "draw", "figures/times.svg", draw, {"times": "double.zarr.zip"})
    job(
        folder,
        "table",
        "tables/times.csv",
        lambda times: times.to_dataframe().reset_index(),
        {"times": "double.zarr.zip"},
    )
    both = {"times": "double.zarr.zip", "facts": "facts.zarr.zip"}
    job(folder, "CLAIMS", "claims.json", CLAIMS, both, pass_rules=RULES)
    return folder / "results/smoke"


def test_what_rests_on_times_says_so_and_the_rest_does_not(tmp_path):
    made = one_run(tmp_path, [1.0, 2.0]) / "toy"
    assert store.provenance(made / "times.zarr.zip")["timing"] is True
    assert store.provenance(made / "double.zarr.zip")["timing"] is True
    assert "timing" not in store.provenance(made / "facts.zarr.zip")
    assert figure.description(made / "figures/times.svg")["timing"] is True
    judged = json.loads((made / "claims.json").read_text())
    assert [entry.get("timing", False) for entry in judged["claims"]] == [True, False]


def test_times_are_counted_and_not_compared(tmp_path, capsys):
    a, b = one_run(tmp_path / "a", [1.0, 2.0]), one_run(tmp_path / "b", [3.0, 5.0])
    table = {name: (verdict, words) for name, verdict, words in compare.compare_runs(a, b, 0, 0)}
    timed = {name for name, (verdict, _) in table.items() if verdict == compare.TIMED}
    assert timed == {f"toy/{n}" for n in ("times.zarr.zip", "double.zarr.zip", "figures/times.svg", "tables/times.csv")}
    assert table["toy/claims.json"] == (compare.IDENTICAL, "1 claim(s) of measured times, not compared")
    assert table["toy/facts.zarr.zip"][0] == compare.IDENTICAL
    assert main(["compare", str(a), str(b)]) == 0
    assert "4 measured times, not compared" in capsys.readouterr().out


def test_claims_beside_the_timed_ones_are_compared(tmp_path):
    a, b = one_run(tmp_path / "a", [1.0, 2.0]), one_run(tmp_path / "b", [1.0, 2.0], value=-1.0)
    table = {name: verdict for name, verdict, _ in compare.compare_runs(a, b, 0, 0)}
    assert table["toy/claims.json"] == compare.DIFFERENT
    assert main(["compare", str(a), str(b)]) == 1


def test_claims_of_what_is_not_known_twice_are_the_same(tmp_path):
    runs = [
        one_run(tmp_path / name, [1.0, 2.0], value=value) for name, value in (("a", np.nan), ("b", np.nan), ("c", 1.0))
    ]
    assert compare.compare_claims(*(run / "toy/claims.json" for run in runs[:2]), 0, 0)[0] == compare.IDENTICAL
    assert compare.compare_claims(*(run / "toy/claims.json" for run in runs[1:]), 0, 0)[0] == compare.DIFFERENT


@pytest.mark.parametrize(
    "other",
    [
        xr.Dataset({"seconds": ("i", [1.0, 2.0])}, coords={"i": [0, 2]}, attrs={"timing": True}),
        xr.Dataset({"seconds": ("i", [1.0])}, coords={"i": [0]}, attrs={"timing": True}),
        xr.Dataset({"minutes": ("i", [1.0, 3.0])}, coords={"i": [0, 1]}, attrs={"timing": True}),
        xr.Dataset({"seconds": ("i", [1.0, 3.0])}, coords={"i": [0, 1]}),
    ],
)
def test_the_layout_of_times_is_compared(tmp_path, other):
    job(tmp_path / "a", "measure", "times.zarr.zip", measure([1.0, 2.0]))
    job(tmp_path / "b", "measure", "times.zarr.zip", lambda: other)
    rows = compare.compare_runs(tmp_path / "a/results", tmp_path / "b/results", 0, 0)
    assert [row[1] for row in rows] == [compare.DIFFERENT]
