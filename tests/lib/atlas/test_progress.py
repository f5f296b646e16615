"""The estimate of what remains, and the lines that a run shows."""

import logging
import types

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_atlas as plugin


def test_the_estimate_weighs_rules_by_what_they_took():
    assert plugin.seconds_left({"a": 3}, {}, {}, 1) is None
    assert plugin.seconds_left({"a": 3, "b": 1}, {"a": 2.0, "b": 10.0}, {}, 1) == 16
    assert plugin.seconds_left({"a": 3, "b": 1}, {"a": 2.0, "b": 10.0}, {}, 2) == 8
    assert plugin.seconds_left({"a": 1}, {"a": 4.0}, {"a": 100.0}, 1) == 4, "this run counts before the last one"
    unknown = plugin.seconds_left({"new": 2}, {"a": 8.0, "c": 0.0}, {"b": 80.0}, 1)
    assert unknown == pytest.approx(2 * (8 * 0.1 * 80) ** (1 / 3)), "an unknown rule takes the geometric mean"


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
