"""The table of a figure holds the numbers that were drawn, and nothing is drawn as data that the table leaves out."""

import csv

import numpy as np
import pytest

from lib.atlas.job import figure, figure_data


def rows(fig) -> list[dict]:
    lines = [line for line in figure_data.table(fig).splitlines() if not line.startswith("#")]
    return [{key: value for key, value in row.items() if value} for row in csv.DictReader(lines)]


@pytest.fixture
def panel():
    fig, axes = figure.new_figure()
    axes.set(xlabel="n", ylabel="error")
    return fig, axes


def test_lines_and_error_bars(panel):
    fig, axes = panel
    axes.plot([1, 2], [0.5, 0.25], label="ours")
    axes.errorbar([1.0, 2.0], [3.0, 4.0], yerr=[[0.5, 0.25], [1.0, 2.0]], label="theirs")
    axes.axhline(0.125, label="paper")
    assert rows(fig) == [
        {"panel": "a", "mark": "point", "series": "theirs", "x": "1", "y": "3", "low": "2.5", "high": "4"},
        {"panel": "a", "mark": "point", "series": "theirs", "x": "2", "y": "4", "low": "3.75", "high": "6"},
        {"panel": "a", "mark": "line", "series": "ours", "x": "1", "y": "0.5"},
        {"panel": "a", "mark": "line", "series": "ours", "x": "2", "y": "0.25"},
        {"panel": "a", "mark": "reference line", "series": "paper", "y": "0.125"},
    ]
    assert figure_data.table(fig).startswith("# panel a: x: n; y: error\n")


def test_an_error_that_is_not_known(panel):
    fig, axes = panel
    axes.errorbar([1.0, 2.0], [3.0, 4.0], yerr=[np.nan, 1.0])
    assert rows(fig) == [
        {"panel": "a", "mark": "point", "x": "1", "y": "3"},
        {"panel": "a", "mark": "point", "x": "2", "y": "4", "low": "3", "high": "5"},
    ]


def test_error_bars_across(panel):
    fig, axes = panel
    axes.errorbar([1.0], [2.0], xerr=0.5)
    assert rows(fig) == [{"panel": "a", "mark": "point", "x": "1", "y": "2"}]


def test_bars_steps_points_and_bands(panel):
    fig, axes = panel
    axes.bar(["a", "b"], [3.0, 4.0], label="counts")
    axes.stairs([5.0], [0.0, 2.0])
    axes.scatter([1.0], [2.0], c=[7.0])
    axes.fill_between([0.0, 1.0], [1.0, 2.0], [3.0, 5.0])
    table = rows(fig)
    assert [(row["mark"], row["x"], row.get("y")) for row in table[:2]] == [("bar", "0", "3"), ("bar", "1", "4")]
    assert {"panel": "a", "mark": "step", "x": "1", "y": "5"} in table
    assert {"panel": "a", "mark": "point", "x": "1", "y": "2", "value": "7"} in table
    assert {"panel": "a", "mark": "band", "x": "1", "low": "2", "high": "5"} in table


@pytest.mark.parametrize("origin", ["lower", "upper"])
def test_cells_stand_where_they_are_drawn(panel, origin):
    fig, axes = panel
    axes.imshow([[1.0, 2.0], [3.0, 4.0]], origin=origin)
    cells = {(row["x"], row["y"]): row["value"] for row in rows(fig)}
    assert cells == {("0", "0"): "1", ("1", "0"): "2", ("0", "1"): "3", ("1", "1"): "4"}  # as imshow numbers its rows


def test_a_mesh(panel):
    fig, axes = panel
    axes.pcolormesh([0.0, 2.0, 4.0], [0.0, 1.0], [[5.0, 6.0]])
    assert [(row["x"], row["y"], row["value"]) for row in rows(fig)] == [("1", "0.5", "5"), ("3", "0.5", "6")]


def test_photographs_and_pictures_without_data_have_no_table(panel, tmp_path):
    fig, axes = panel
    axes.imshow(np.zeros((100, 100)))
    assert figure_data.table(fig) == ""
    (tmp_path / "picture.svg").write_bytes(figure.svg_bytes(fig, {"inputs": {}}))
    assert figure.data(tmp_path / "picture.svg") == ""


def test_a_figure_carries_its_table_and_damage_to_it_is_seen(panel, tmp_path):
    fig, axes = panel
    axes.plot([1, 2], [0.5, 0.25], label="a < b & c")
    path = tmp_path / "one.svg"
    path.write_bytes(figure.svg_bytes(fig, {"inputs": {}}))
    assert figure.data(path) == figure_data.table(fig)
    assert figure.description(path)["inputs"] == {}
    path.write_bytes(path.read_bytes().replace(b",2,0.25", b",2,0.26"))
    with pytest.raises(ValueError, match="does not match its digest"):
        figure.description(path)
