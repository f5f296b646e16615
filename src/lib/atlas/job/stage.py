"""The stage runner: the one place where a Snakemake job meets a Python function.

A script hands its function to `run`, or its claims to `run_claims`. The runner opens the inputs, passes parameters,
wildcards and generators by name, sends everything that is printed to the stage's log, and writes what the function
returns in one piece, with its provenance. A mistake in the names, a damaged input or a full disk is one line on the
terminal and a traceback in the log.
"""

import contextlib
import hashlib
import inspect
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.atlas.job.lineage import digests, lineage, timed
from lib.atlas.names import RESERVED, SUFFIX, listed
from lib.atlas.provenance import git_commit, installed, libraries, machine, plain, rules_since

INTERRUPTED = 130  # exit status of a job that a signal from the keyboard ended
PROVIDED = ("rng", "device", "checkpoint")
# what a figure or table says of itself; a store says everything
SHORT = ("paper", "stage", "scale", "wildcards", "code", "parameters", "timing", "picture")


class StageError(ValueError):
    """A stage whose rule and function do not fit, or whose result cannot be written."""


@dataclass(frozen=True)
class Job:
    """What Snakemake says of one job.

    Args:
        rule: its name.
        paper, stage: the paper's slug, and the rest of the rule's name.
        scale: of the run.
        folder: the paper's results as this job sees them.
        inputs: path, or list of paths, by name.
        output: the one file that is written; of a figure the SVG.
        picture: of a figure the PNG beside it; None where the rule has none.
        params: parameters by name, reserved ones (`lib.atlas.names.RESERVED`) included.
        wildcards: by name, whole numbers as integers.
        threads: that the job may use.
        device: `auto`, `cpu` or `cuda`, as configured.
        root: the project's root folder.
    """

    rule: str
    paper: str
    stage: str
    scale: str
    folder: str
    inputs: dict[str, str | list[str]]
    output: Path
    picture: Path | None
    params: dict
    wildcards: dict
    threads: int
    device: str
    root: Path

    @property
    def parameters(self) -> dict:
        """Parameters that functions take."""
        return {key: value for key, value in self.params.items() if key not in RESERVED}

    def generator(self):
        """The random generator of this job: it depends on the root seed, paper, stage and wildcards alone.

        Raises:
            StageError: the rule has no `root_seed`.
        """
        from lib.atlas.job.seeds import generator

        if "root_seed" not in self.params:
            raise StageError("the stage takes rng, but its rule has no root_seed param")
        return generator(self.params["root_seed"], self.paper, self.stage, self.wildcards)

    def record(self, inputs: dict) -> dict:
        """What the result is made from, before it is made.

        Args:
            inputs: lineage of the inputs (`lib.atlas.job.lineage`).
        """
        seed = {"root_seed": self.params["root_seed"]} if "root_seed" in self.params else {}
        return {
            "paper": self.paper,
            "stage": self.stage,
            "scale": self.scale,
            "wildcards": self.wildcards,
            "parameters": plain(self.parameters),
            "inputs": inputs,
            "code": self.params.get("code", ""),
            "threads": self.threads,
        } | seed


def place(output: str, results: str, scale: str) -> tuple[str, str]:
    """Results folder of the scale as a job sees it, and the paper's slug, from the path of an output.

    Under a storage provider, the job sees `results/<scale>` inside the provider's local copy.
    """
    folder = f"{results.rstrip('/')}/{scale}/"
    start = output.rfind(folder)
    if start < 0:
        return str(Path(output).parent), ""
    end = start + len(folder)
    return output[:end], output[end:].split("/")[0]


def wildcard(text: str) -> int | str:
    """Value of a wildcard: whole numbers are integers."""
    return int(text) if text.lstrip("-").isdigit() else text


def _by_name(snakemake_list, kind: str) -> dict:
    """Entries of a Snakemake list by name; an entry without a name is an error."""
    entries = dict(snakemake_list.items())
    if kind != "param":
        count = sum(1 if isinstance(value, str) else len(value) for value in entries.values())
        if count != len(snakemake_list):
            raise StageError(f"the rule has an {kind} without a name")
    return entries


def _job(snakemake) -> Job:
    outputs = _by_name(snakemake.output, "output")
    if len(outputs) != 1:
        raise StageError(f"a stage writes one output, the rule has {len(outputs)}: {', '.join(outputs)}")
    output, *more = listed(next(iter(outputs.values())))
    if more and [str(Path(output).with_suffix(".png"))] != [str(Path(one)) for one in more]:
        raise StageError(f"a figure's second output is its PNG beside it, the rule has {', '.join(map(str, more))}")
    folder, slug = place(str(output), snakemake.config["results"], snakemake.config["scale"])
    return Job(
        rule=snakemake.rule,
        paper=slug,
        stage=snakemake.rule.removeprefix(slug + "_"),
        scale=snakemake.config["scale"],
        folder=folder + slug,
        inputs=_by_name(snakemake.input, "input"),
        output=Path(output),
        picture=Path(more[0]) if more else None,
        params=_by_name(snakemake.params, "param"),
        wildcards={key: wildcard(value) for key, value in snakemake.wildcards.items()},
        threads=snakemake.threads,
        device=snakemake.config["device"],
        root=Path(snakemake.scriptdir).resolve().parents[2],
    )


def open_input(path: str):
    """An input as a function receives it: a Dataset, parsed JSON, or a path.

    Raises:
        ValueError: a store or JSON file that cannot be read, named.
    """
    if path.endswith(SUFFIX):
        from lib.atlas.job import store

        return store.read(Path(path))
    if path.endswith(".json"):
        try:
            return json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StageError(f"{path}: not a readable JSON file ({error})") from None
    return Path(path)


def open_inputs(paths: dict) -> dict:
    """All inputs by name, as `open_input` opens them."""
    return {
        name: open_input(entry) if isinstance(entry, str) else [open_input(path) for path in entry]
        for name, entry in paths.items()
    }


def bind(function: Callable, inputs: dict, params: dict, wildcards: dict, provided: dict) -> dict:
    """Match what a rule gives with what a function takes.

    Args:
        function: the stage.
        inputs: inputs by name.
        params: parameters by name, without the reserved ones.
        wildcards: wildcards by name; a function may leave them out.
        provided: what the runner can give on request: name to a function without arguments.

    Returns:
        Keyword arguments of the function.

    Raises:
        StageError: an input or parameter that the function does not take, or one that it takes and nobody gives.
    """
    name = getattr(function, "__name__", "stage")
    signature = inspect.signature(function).parameters
    for kind, entries in (("input", inputs), ("param", params)):
        for key in entries:
            if key not in signature:
                raise StageError(
                    f"{name}() does not take the {kind} {key!r} of its rule; it takes {', '.join(signature)}"
                )
    both = set(inputs) & set(params)
    if both:
        raise StageError(f"the rule of {name}() names {min(both)!r} both as input and as param")
    arguments = {**inputs, **params}
    for key, parameter in signature.items():
        if key in arguments:
            continue
        if key in wildcards:
            arguments[key] = wildcards[key]
        elif key in provided:
            arguments[key] = provided[key]()
        elif parameter.default is inspect.Parameter.empty:
            raise StageError(f"{name}() takes {key!r}, but its rule has no such input, param or wildcard")
    return arguments


def choose_device(wish: str) -> str:
    """Name of the torch device: CUDA when there is one, except where the configuration asks for another.

    Raises:
        StageError: CUDA is asked for and there is none.
    """
    import torch

    if wish == "cuda" and not torch.cuda.is_available():
        raise StageError("config/config.yaml: device: got cuda, expected auto or cpu: this machine has no CUDA device")
    return "cpu" if wish == "cpu" or not torch.cuda.is_available() else "cuda"


def checkpoint_path(output: Path) -> Path:
    """Where a stage that takes `checkpoint` keeps its state until its output is written: beside the output, hidden."""
    return output.with_name(f".{output.name.removesuffix(SUFFIX)}.checkpoint{SUFFIX}")


def _be_deterministic(threads: int) -> None:
    """Fix torch's algorithms and threads, where a stage uses torch."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms imports a compiler: 1.6 s
        torch.manual_seed(0)


def _json(content) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def contents(result, path: Path, record: dict) -> bytes:
    """The bytes of a figure, table, page or JSON file; figures and tables carry a short record.

    Args:
        result: Figure, DataFrame, text or dictionary.
        path: of the file; its suffix says what is written.
        record: what the result was made from, with `inputs`.

    Raises:
        StageError: a result that does not fit the suffix.
    """
    short = {key: record[key] for key in SHORT if key in record}
    short["inputs"] = digests(record["inputs"])
    if path.suffix == ".svg":
        from lib.atlas.job import figure

        return figure.svg_bytes(result, short)
    if path.suffix == ".csv":
        body = result.to_csv(index=False, lineterminator="\n").encode()
        short["digest"] = hashlib.sha256(body).hexdigest()[:16]
        return b"# " + json.dumps(short, sort_keys=True).encode() + b"\n" + body
    if path.suffix == ".json" and isinstance(result, dict):
        return _json(result)
    if path.suffix == ".html" and isinstance(result, str):
        return result.encode()
    raise StageError(f"do not know how to write {type(result).__name__} as {path.name}")


def _write(result, path: Path, picture: Path | None, record: dict) -> None:
    import xarray as xr

    from lib.atlas.job import store

    if picture is not None:
        from lib.atlas.job import figure

        pixels = figure.png_bytes(result)
        store.replace(picture, pixels)
        record = {**record, "picture": figure.digest_of(pixels)}
    if not path.name.endswith(SUFFIX):
        store.replace(path, contents(result, path, record))
    elif isinstance(result, xr.Dataset):
        print(f"digest {store.write(result, path, record)}")
    else:
        raise StageError(f"{path.name} is a store, but the stage returned {type(result).__name__}, not a Dataset")


def _finish(record: dict, job: Job, device: str, timing: bool) -> dict:
    """The record once the result is there: what made it, on what, and whether it rests on measured times."""
    return (
        record
        | {"commit": git_commit(job.root), "libraries": libraries(), "machine": machine(job.root), "device": device}
        | ({"timing": True} if timing or timed(record["inputs"]) else {})
    )


def _execute(function: Callable, job: Job) -> None:
    """Run a stage and write what it returns."""
    asked = inspect.signature(function).parameters
    opened = open_inputs(job.inputs)
    record = job.record(lineage(job.inputs, opened, job.folder, job.root))
    device = choose_device(job.device) if "device" in asked else "cpu"
    provided: dict[str, Callable] = {"rng": job.generator, "device": lambda: device}
    checkpoint = None
    if "checkpoint" in asked:
        from lib.atlas.job.checkpoint import Checkpoint

        identity = {"inputs": digests(record["inputs"]), "libraries": installed(), "device": device}
        checkpoint = Checkpoint(checkpoint_path(job.output), record | identity)
        provided["checkpoint"] = lambda: checkpoint
    seed = {"root_seed": job.params.get("root_seed")} if "root_seed" in asked else {}
    arguments = bind(function, opened, {**job.parameters, **seed}, job.wildcards, provided)
    _be_deterministic(job.threads)
    result = function(**arguments)
    timing = getattr(result, "attrs", {}).get("timing", False)
    _write(result, job.output, job.picture, _finish(record, job, device, timing))
    if checkpoint is not None:
        checkpoint.remove()


def _execute_claims(functions: dict[str, Callable], job: Job) -> None:
    """Measure and judge every claim, and write the verdicts."""
    from lib.atlas.job import claims, store

    opened = open_inputs(job.inputs)
    record = job.record(lineage(job.inputs, opened, job.folder, job.root))
    provided = {"rng": job.generator, "root_seed": lambda: job.params["root_seed"]}
    _be_deterministic(job.threads)
    measurements = claims.measure(
        functions, job.params["pass_rules"], job.scale, opened, job.parameters, provided, job.params.get("needs", {})
    )
    entries = claims.judge(job.params["pass_rules"], measurements, job.scale)
    for entry in entries:
        entry["function"] = job.params.get("claim_functions", {}).get(entry["id"], "")
        if entry["rests_on"] and timed(record["inputs"], entry["rests_on"]):
            entry["timing"] = True
    record = _finish(record, job, "cpu", False)
    since = rules_since(job.root / f"config/papers/{job.paper}.yaml", job.params["pass_rules"])
    content = {"scale": job.scale, "claims": entries, "rules_since": since, "provenance": record}
    store.replace(job.output, _json(content))


def _log_to(path: str) -> None:
    """Send everything that this process prints to a log."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _guard(work: Callable[[Job], None], snakemake) -> None:
    """Do a job's work with its log; an error is a traceback there, one line on the terminal, and exit status 1."""
    import faulthandler

    from lib.atlas import alive

    faulthandler.enable()
    alive.hold()
    terminal = os.fdopen(os.dup(2), "w")
    if snakemake.log:
        _log_to(str(snakemake.log[0]))
    sys.stdout.reconfigure(line_buffering=True)
    warnings.filterwarnings("default", category=RuntimeWarning)
    try:
        work(_job(snakemake))
    except KeyboardInterrupt:  # Ctrl-C is no failure: the next run carries on
        print("interrupted")
        sys.exit(INTERRUPTED)
    except Exception as error:
        with contextlib.suppress(OSError):  # a full disk takes no log either; the line below still reaches the user
            traceback.print_exc()
            sys.stderr.flush()
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
        print(f"{snakemake.rule}: {kind}{reason}", file=terminal, flush=True)
        sys.exit(1)


def run(function: Callable, snakemake) -> None:
    """Run one stage as a Snakemake job.

    Args:
        function: the documented function of the script.
        snakemake: the object that Snakemake puts into a script.
    """
    _guard(lambda job: _execute(function, job), snakemake)


def run_claims(namespace: dict, snakemake) -> None:
    """Measure and judge a paper's claims as a Snakemake job.

    Args:
        namespace: of the script (`globals()`): a function for each claim, named by its id.
        snakemake: the object that Snakemake puts into a script.
    """
    from lib.atlas.job import claims

    _guard(lambda job: _execute_claims(claims.functions(namespace), job), snakemake)
