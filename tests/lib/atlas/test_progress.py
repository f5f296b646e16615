"""The estimate of what remains, and the lines that a run shows."""

import json
import logging
import types

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_atlas as plugin
from lib.atlas.evidence.runs import keep_durations


def test_the_estimate_weighs_rules_by_what_they_took():
    assert plugin.seconds_left({"a": 3}, {}, {}, 1) is None
    assert plugin.seconds_left({"a": 3, "b": 1}, {"a": 2.0, "b": 10.0}, {}, 1) == 16
    assert plugin.seconds_left({"a": 3, "b": 1}, {"a": 2.0, "b": 10.0}, {}, 2) == 8
    assert plugin.seconds_left({"a": 1}, {"a": 4.0}, {"a": 100.0}, 1) == 4, "this run counts before the last one"
    unknown = plugin.seconds_left({"new": 2}, {"a": 8.0, "c": 0.0}, {"b": 80.0}, 1)
    assert unknown == pytest.approx(2 * (8 * 0.1 * 80) ** (1 / 3)), "an unknown rule takes the geometric mean"


def test_an_earlier_run_counts_at_the_pace_of_this_one():
    before = {"a": 100.0, "b": 1000.0}
    assert plugin.seconds_left({"b": 1}, {}, before, 1) == 1000
    assert plugin.seconds_left({"b": 1}, {"a": 260.0}, before, 1) == pytest.approx(2000), "twice as slow"
    assert plugin.seconds_left({"b": 1}, {"a": 0.0}, {"a": 0.1, "b": 1000.0}, 1) == pytest.approx(1000, rel=0.01)


def test_a_first_run_takes_the_durations_that_are_kept_with_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plugin.KEPT.parent.mkdir(parents=True)
    plugin.KEPT.write_text('{"smoke": {"a": 5.0, "b": 40.0}}')
    handler = plugin.LogHandler(types.SimpleNamespace(), None)
    said = []
    handler.say = said.append
    handler.waiting, handler.total, handler.place = {"a": 1, "b": 1}, 2, "results/smoke"
    handler.start = plugin.time.monotonic() - 5
    handler.jobs[1] = "a", handler.start
    handler.job_finished(1)
    assert said == ["[1/2  50 %] a 5 s, about 40 s left"]


def test_durations_of_a_run_are_kept_beside_those_of_other_scales(tmp_path):
    kept, own = tmp_path / plugin.KEPT, tmp_path / plugin.HISTORY
    keep_durations(tmp_path / "results/laptop", tmp_path)
    assert not kept.exists(), "nothing is kept of a run that counted nothing"
    for file, content in (
        (kept, {"smoke": {"a": 1.0}}),
        (own, {"results/laptop": {"a": 7.04}, "other/laptop": {"a": 9.0}}),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    keep_durations(tmp_path / "results/laptop", tmp_path)
    assert json.loads(kept.read_text()) == {"smoke": {"a": 1.0}, "laptop": {"a": 7.0}}


def test_times_are_said_in_units_of_people():
    assert [plugin.words(s) for s in (5, 89, 120, 7200)] == ["5 s", "89 s", "2 min", "2.0 h"]


def test_the_lines_of_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.log").write_text("Traceback\nValueError: no\n")

    def run():
        handler = plugin.LogHandler(types.SimpleNamespace(), None)

        def event(kind, **more):
            record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", (), None)
            record.__dict__.update(event=kind, **more)
            handler.emit(record)

        event(LogEvent.RUN_INFO, stats={"a": 2, "b": 1, "total": 3})
        for job in (1, 2):
            event(LogEvent.JOB_INFO, jobid=job, rule_name="a", output=["results/smoke/p/x.zarr.zip"])
            event(LogEvent.JOB_FINISHED, job_id=job)
        event(LogEvent.JOB_INFO, jobid=3, rule_name="b", output=[])
        event(LogEvent.JOB_ERROR, jobid=3, log=["b.log"])
        handler.close()
        return capsys.readouterr().err

    said = run()
    assert "3 jobs" in said
    assert "[2/3  67 %] a 0 s, about 0 s left" in said
    assert "failed: b" in said
    assert "| ValueError: no" in said
    assert "results/smoke" in (tmp_path / plugin.HISTORY).read_text()
