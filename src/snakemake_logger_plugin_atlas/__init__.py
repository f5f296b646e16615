"""Progress of a run in one line for each finished job, with an estimate of what remains: `snakemake --logger atlas`.

The estimate takes the seconds of each rule from this run where a job of it is done, else from the last run of the same
results folder (`.cache/durations.json`), else from the run of this scale that is kept with the project
(`resources/measured/durations.json`), both corrected by how fast this run is, else from the geometric mean of all: the
long jobs start first, and a plain mean of what is done so far would promise hours. Snakemake's full log stays in
`.snakemake/log`.
"""

import json
import logging
import statistics
import sys
import time
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

SCALES = ("smoke", "laptop", "medium", "paper")  # the last name of a results folder; lib need not be importable here
PAGE = "audit_paper"  # the rule that makes a paper's page
HISTORY = Path(".cache/durations.json")
KEPT = Path("resources/measured/durations.json")
PRIOR = 60.0  # seconds of work for which a run counts as fast as the one before


def seconds_left(
    waiting: dict[str, int], known: dict[str, float], before: dict[str, float], busy: float
) -> float | None:
    """Estimate of the seconds that remain.

    Args:
        waiting: unfinished jobs by rule.
        known, before: mean seconds of a job by rule, in this run and in the one before; where both know a rule, they
            tell how fast this machine is beside that one.
        busy: mean number of jobs that ran at once so far.

    Returns:
        None when no duration is known at all.
    """
    both = known.keys() & before.keys()
    pace = (PRIOR + sum(known[rule] for rule in both)) / (PRIOR + sum(before[rule] for rule in both))
    durations = {**{rule: pace * seconds for rule, seconds in before.items()}, **known}
    if not durations:
        return None
    typical = statistics.geometric_mean(max(seconds, 0.1) for seconds in durations.values())
    return sum(count * durations.get(rule, typical) for rule, count in waiting.items()) / max(busy, 1.0)


def words(seconds: float) -> str:
    """A time as a person says it."""
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def _read(file: Path) -> dict[str, dict[str, float]]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class LogHandler(LogHandlerBase):
    """Snakemake's logger plugin."""

    writes_to_stream, writes_to_file = True, False
    has_filter, has_formatter, needs_rulegraph = True, True, False

    def __post_init__(self) -> None:
        self.start = time.monotonic()
        self.total, self.finished = 0, 0
        self.waiting: dict[str, int] = {}
        self.jobs: dict[int, tuple[str, float]] = {}
        self.times: dict[str, list[float]] = {}
        self.place = ""
        self.interrupted = False
        self.pages: dict[int, str] = {}
        self.history, self.kept = _read(HISTORY), _read(KEPT)

    def say(self, text: str) -> None:
        """Write one line for people."""
        print(text, file=sys.stderr, flush=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one event of the run; an event of an unknown form is reported, and the run goes on."""
        try:
            self.take(record)
        except (AttributeError, KeyError, TypeError, ValueError):
            self.handleError(record)

    def take(self, record: logging.LogRecord) -> None:
        """Say what an event means for the progress, if anything."""
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO and not self.total:
            self.waiting = {rule: int(number) for rule, number in record.stats.items() if rule != "total"}
            self.total = sum(self.waiting.values())
            self.say(f"{self.total} jobs")
        elif event == LogEvent.JOB_INFO:
            self.jobs[record.jobid] = (record.rule_name, time.monotonic())
            output = next(iter(record.output or []), "")
            parts = str(output).split("/")
            scale = next((index for index, part in enumerate(parts) if part in SCALES), None)
            if record.rule_name == PAGE:
                self.pages[record.jobid] = str(output)
            self.place = self.place or ("/".join(parts[: scale + 1]) if scale is not None else "")
        elif event == LogEvent.JOB_FINISHED:
            self.job_finished(record.job_id)
        elif self.interrupted and event in (LogEvent.JOB_ERROR, LogEvent.ERROR):
            return  # the jobs that the same Ctrl-C ended
        elif event == LogEvent.JOB_ERROR:
            self.job_failed(record.jobid, [Path(str(log)) for log in record.log or []])
        elif record.getMessage().startswith("Terminating processes on user request"):
            self.interrupted = True
            self.say("interrupted; the same command carries on")
        elif event == LogEvent.ERROR or (event is None and record.levelno >= logging.WARNING):
            self.say(record.getMessage())

    def job_finished(self, number: int) -> None:
        """Count a finished job and say what remains."""
        rule, started = self.jobs.pop(number, ("", time.monotonic()))
        now = time.monotonic()
        self.finished += 1
        self.times.setdefault(rule, []).append(now - started)
        self.waiting[rule] = max(0, self.waiting.get(rule, 0) - 1)
        known = {name: sum(times) / len(times) for name, times in self.times.items()}
        spent = sum(sum(times) for times in self.times.values())
        before = {**self.kept.get(Path(self.place).name, {}), **self.history.get(self.place, {})}
        left = seconds_left(self.waiting, known, before, spent / max(now - self.start, 0.1))
        percent = 100 * self.finished / max(self.total, 1)
        remains = f", about {words(left)} left" if left is not None and self.finished < self.total else ""
        self.say(f"[{self.finished}/{self.total} {percent:3.0f} %] {rule} {now - started:.0f} s{remains}")
        if number in self.pages:
            self.say(f"  a page to read: {self.pages.pop(number)}")

    def job_failed(self, number: int, logs: list[Path]) -> None:
        """Name a failed job, and show the end of its log."""
        self.say(f"failed: {self.jobs.get(number, ('a job', 0))[0]}")
        for log in logs:
            if log.is_file():
                lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
                self.say("\n".join([f"  {log}:", *(f"  | {line}" for line in lines[-20:])]))

    def close(self) -> None:
        """Remember how long the rules took, for the next run of this results folder."""
        if self.times:
            means = {name: round(sum(times) / len(times), 2) for name, times in self.times.items()}
            self.history[self.place] = {**self.history.get(self.place, {}), **means}
            try:
                HISTORY.parent.mkdir(exist_ok=True)
                HISTORY.write_text(json.dumps(self.history, indent=1, sort_keys=True), encoding="utf-8")
            except OSError as error:
                self.say(f"durations are not remembered: {error.strerror}")
        super().close()
