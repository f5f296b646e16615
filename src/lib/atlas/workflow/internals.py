"""The one place that rests on what Snakemake does not promise to keep. Everything else goes through its documented
directives and options. Seven things have no such way:

- the plan: `check`, `status` and the archives need what the rules would make, and Snakemake lists no more than names;
- what rests on data that nobody supplied, and all the stores behind a paper's figures: a target must name its files;
- which rules a process may run (`--allowed-rules`): a job on a cluster then reads its own paper's rules only;
- the group of a rule, which depends on the scale;
- the name of a group's job, which holds the names of its rules and grows too long for a file;
- how often Snakemake chooses jobs anew: ever more often, the more jobs are done, until that takes a core of its own;
- why a cluster refused a job: Snakemake drops the reason where the job is a group.
"""

import itertools
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lib.atlas.names import NOT_SUPPLIED, PLAN, RESERVED
from lib.atlas.provenance import plain
from lib.atlas.workflow.config import ConfigError, hint
from lib.atlas.workflow.patterns import fill, pattern


def _files(entries) -> dict[str, str | list[str]]:
    """Inputs or outputs by name; those that a function gives (data of the user) are left out."""
    return {
        name: str(value) if isinstance(value, str) else [str(item) for item in value]
        for name, value in dict(entries.items()).items()
        if isinstance(value, str) or not callable(value)
    }


class Trace:
    """What files rest on, by the rules that were read so far: stores, and data that somebody has to supply.

    Args:
        workflow: Snakemake's.
    """

    def __init__(self, workflow):
        self._workflow = workflow
        self._exact: dict[str, object] = {}  # rules by the one file that they make
        self._shaped: list[tuple] = []  # beginning and whole of an output with wildcards, and its rule
        self._read = 0
        self._lacking: dict[str, list[str]] = {}

    def _maker(self, path: str) -> tuple | None:
        """The rule that makes a file, and its wildcards."""
        rules = list(self._workflow.rules)
        for rule in rules[self._read :]:
            for output in (one for entry in _files(rule.output).values() for one in _listed(entry)):
                if "{" in output:
                    self._shaped.append((output.split("{")[0], output, rule))
                else:
                    self._exact.setdefault(output, rule)
        self._read = len(rules)
        if path in self._exact:
            return self._exact[path], {}
        for start, output, rule in self._shaped:
            match = pattern(output, _constraints(rule)).fullmatch(path) if path.startswith(start) else None
            if match:
                return rule, match.groupdict()
        return None

    def _inputs(self, path: str) -> list[str] | None:
        """Inputs of the rule that makes a file, with its wildcards filled in; None where no rule does."""
        maker = self._maker(path)
        if maker is None:
            return None
        rule, wildcards = maker
        return [fill(one, wildcards) for entry in _files(rule.input).values() for one in _listed(entry)]

    def lacking(self, path: str) -> list[str]:
        """Keys of the missing data on which a file rests, sorted; none where it can be made."""
        if path.startswith(NOT_SUPPLIED):
            return [path.removeprefix(NOT_SUPPLIED)]
        if path not in self._lacking:
            self._lacking[path] = []
            self._lacking[path] = sorted(set().union(*map(self.lacking, self._inputs(path) or [])))
        return self._lacking[path]

    def beneath(self, paths: Iterable[str]) -> list[str]:
        """Files that rules make, and those of the same kind on which they rest; inputs come first."""
        order: dict[str, None] = {}

        def visit(path: str) -> None:
            if path in order:
                return
            inputs = self._inputs(path)
            if inputs is not None:
                for one in inputs:
                    visit(one)
                order[path] = None

        for path in paths:
            visit(path)
        return list(order)


def _constraints(rule) -> dict[str, str]:
    return {name: str(text) for name, text in rule.wildcard_constraints.items()}


def _listed(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else entry


def _resource(rule, name: str):
    """What a rule asks for at the first attempt, or None where that depends on wildcards."""
    value = rule.resources.get(name)
    if hasattr(value, "is_evaluable") and value.is_evaluable():
        try:
            value = value.evaluate({}, attempt=1)
        except (AttributeError, KeyError, TypeError):  # a function of the wildcards
            return None
    value = getattr(value, "value", value)
    return value if isinstance(value, int | float) else None


def describe(rules: Iterable, papers: dict, config: dict) -> dict:
    """The plan as plain data.

    Args:
        rules: rules of the workflow (`workflow.rules`).
        papers: `lib.atlas.workflow.paper.Paper` by slug.
        config: the checked main configuration.
    """
    entries = {}
    for rule in rules:
        params = dict(rule.params.items())
        if "code" not in params:
            continue
        entries[rule.name] = {
            "docstring": rule.docstring,
            "inputs": _files(rule.input),
            "open_inputs": sorted(name for name, value in rule.input.items() if callable(value)),
            "outputs": _files(rule.output),
            "parameters": plain({k: v for k, v in params.items() if k not in RESERVED and not callable(v)}),
            "open_parameters": sorted(k for k, v in params.items() if callable(v)),
            **{key: plain(params[key]) for key in RESERVED if key in params},
            "constraints": _constraints(rule),
            "log": [str(path) for path in rule.log],
            "benchmark": str(rule.benchmark) if rule.benchmark else None,
            "mem_mb": _resource(rule, "mem_mb"),
            "runtime": _resource(rule, "runtime"),
            "gpu": _resource(rule, "gpu"),
        }
    return {
        "scale": config["scale"],
        "results": config["results"],
        "data": config["data"],
        "rules": entries,
        "papers": {
            slug: {
                "folder": paper.folder,
                "figures": paper.figures(),
                "claims": paper.claims(),
                "runs": list(map(str, paper.kept_runs())),
            }
            for slug, paper in papers.items()
        },
    }


def write_plan(rules: Iterable, papers: dict, config: dict) -> None:
    """Write the plan where `LINEAR_ATLAS_PLAN` says, if it does."""
    target = os.environ.get(PLAN)
    if target:
        Path(target).write_text(json.dumps(describe(rules, papers, config)), encoding="utf-8")


def allowed_rules(arguments: Sequence[str]) -> list[str]:
    """Rules that this process may run, from the command line with which Snakemake started it; empty for all rules."""
    option = "--allowed-rules"
    after = arguments[arguments.index(option) + 1 :] if option in arguments else []
    return list(itertools.takewhile(lambda word: not word.startswith("-"), after))


def check_targets(workflow, arguments: Sequence[str]) -> None:
    """Refuse a target that is neither a rule nor a file that one makes; paths with folders are left to Snakemake.

    Args:
        workflow: Snakemake's, all its rules read.
        arguments: of the command line that started Snakemake.

    Raises:
        ConfigError: the first such target, with the closest rule.
    """
    from snakemake.cli import get_argument_parser

    names = [rule.name for rule in workflow.rules]
    made = {path for rule in workflow.rules for entry in _files(rule.output).values() for path in _listed(entry)}
    known = {*names, *made, "atlas"}
    if all(word in known or word.isdigit() or re.search("^-|[/=]", word) for word in arguments):
        return  # Snakemake's parser need not be asked, which takes a tenth of a second
    try:
        targets = get_argument_parser().parse_known_args(arguments)[0].targets
    except SystemExit:  # not a command line of Snakemake
        targets = []
    for target in targets:
        if "/" not in target and target not in known and not Path(target).exists():
            words = "expected a rule or a file that one makes; --list-rules names the rules"
            raise ConfigError(f"{target}: got no such target, {words}{hint(target, names)}")


def travel_together(workflow, group: str, names: Sequence[str]) -> None:
    """Make rules one job where the profile groups (`group-components`)."""

    def grouped(wildcards):
        return group if workflow.group_settings.group_components else None

    for rule in names if len(names) > 1 else []:
        workflow.get_rule(rule).group = grouped


def name_groups() -> None:
    """Let the job of a group be called as the group.

    Snakemake adds the names of five of its rules. Files are named after the job (a script, a folder of logs), and
    thirty letters a rule are too many for a file system; Slurm's plugin then waits forever for a job that it never
    submitted.
    """
    from snakemake.jobs import GroupJob

    GroupJob.name = property(lambda job: job.groupid)


def choose_once_at_a_time() -> None:
    """Let one timer at a time wake the choice of jobs.

    After every choice Snakemake starts a timer that leads to another choice a second later, in case the rate of new
    jobs was at its limit. Each finished job leads to a choice too, and so to a timer whose successors never end: after
    a hundred jobs there are a hundred choices a second, and each looks at the inputs of all jobs that are ready.
    """
    from snakemake.scheduling.job_scheduler import JobScheduler

    def wake_later(self, delay):
        if getattr(self, "_wakes", False):
            return
        self._wakes = True

        def wake():
            self._wakes = False  # before the choice, which may ask for the next
            self._open_jobs.release()

        threading.Timer(delay, wake).start()

    JobScheduler._schedule_reevalutation = wake_later


def run_first(workflow, slug: str, priority: int) -> None:
    """Give every rule of a paper the same high priority."""
    for rule in workflow.rules:
        if Path(rule.snakefile).stem == slug:
            rule.priority = priority


def note_failures(refused: Callable[[str, str], None], failed: Callable[[str, list[str]], None]) -> None:
    """Have failures noted while Snakemake reports them.

    Args:
        refused: called with the job, or group of jobs, that `sbatch` refuses, and its reason.
        failed: called with each other job that fails and its logs; of a group, with each of its jobs.
    """
    from snakemake_interface_executor_plugins.executors.base import AbstractExecutor

    report_job_error = AbstractExecutor.report_job_error

    def report(self, job_info, msg=None, **kwargs):
        job = job_info.job
        refusal = re.search(r"sbatch failed\. The error message was '(.*?)'\.\n", msg or "", re.DOTALL)
        if refusal:
            words = "; ".join(refusal[1].replace("sbatch: error: ", "").splitlines())
            refused(job.groupid if job.is_group() else job.name, words)
        else:
            for one in job.jobs if job.is_group() else [job]:
                failed(one.name, [str(log) for log in one.log])
        report_job_error(self, job_info, msg=msg, **kwargs)

    AbstractExecutor.report_job_error = report
