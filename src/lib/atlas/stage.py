"""The stage runner: the one place where a Snakemake job meets a Python function.

A script hands its function to `run`. The runner opens the inputs, passes parameters, wildcards and generators by
name, sends everything that is printed to the stage's log, and writes what the function returns in one piece, with
its provenance. A mistake in the names, a damaged input or a full disk is one line on the terminal and a traceback
in the log.
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
from pathlib import Path

from lib.atlas.names import SUFFIX
from lib.atlas.provenance import git_commit, installed, libraries, plain

RESERVED = ("code", "script", "root_seed", "pass_rules")
PROVIDED = ("rng", "device", "checkpoint")


class StageError(ValueError):
    """A stage whose rule and function do not fit, or whose result cannot be written."""


def _wildcard(value: str):
    return int(value) if value.lstrip("-").isdigit() else value


def _named(snakemake_list, kind: str) -> dict:
    """Named entries of a Snakemake list; an entry without a name is an error."""
    named = dict(snakemake_list.items())
    if kind != "param":
        counted = sum(1 if isinstance(value, str) else len(value) for value in named.values())
        if counted != len(snakemake_list):
            raise StageError(f"the rule has an {kind} without a name")
    return named


def _open(path: str):
    """An input as a function receives it: a Dataset, parsed JSON, or a path."""
    if path.endswith(".zarr.zip"):
        from lib.atlas import store

        return store.read(Path(path))
    if path.endswith(".json"):
        try:
            return json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StageError(f"{path}: not a readable JSON file ({error})") from None
    return Path(path)


_INHERITED = ("digest", "stage", "wildcards", "parameters", "root_seed", "code", "commit", "timing", "inputs")


def _lineage(paths: dict, opened: dict, folder: str) -> dict:
    """For each input: its name relative to the paper's results, its digest, and what it was made from in turn."""

    def one(path: str, value) -> dict:
        entry = {"store": os.path.relpath(path, folder) if path.startswith(folder) else Path(path).name}
        provenance = getattr(value, "attrs", {}).get("provenance", {})
        return entry | {key: provenance[key] for key in _INHERITED if key in provenance}

    return {
        name: one(paths[name], value)
        if isinstance(paths[name], str)
        else [one(path, item) for path, item in zip(paths[name], value)]
        for name, value in sorted(opened.items())
    }


def _digests(lineage: dict) -> dict:
    """A lineage cut down to the names and digests of the direct inputs."""

    def one(entry: dict) -> dict:
        return {key: entry[key] for key in ("store", "digest") if key in entry}

    return {name: one(e) if isinstance(e, dict) else [one(item) for item in e] for name, e in lineage.items()}


def _timed(lineage: dict, names) -> bool:
    """Whether one of the named inputs holds measured times or rests on them."""
    return any(
        entry.get("timing", False)
        for name in names
        for entry in (lineage[name] if isinstance(lineage[name], list) else [lineage[name]])
    )


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
    for kind, given in (("input", inputs), ("param", params)):
        for key in given:
            if key not in signature:
                raise StageError(
                    f"{name}() does not take the {kind} {key!r} of its rule; it takes {', '.join(signature)}"
                )
    both = set(inputs) & set(params)
    if both:
        raise StageError(f"the rule of {name}() names {sorted(both)[0]!r} both as input and as param")
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


def choose_device(wanted: str) -> str:
    """Name of the torch device: CUDA when there is one, unless the configuration says otherwise.

    Raises:
        StageError: CUDA is asked for and there is none.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise StageError("config/config.yaml: device: got cuda, expected auto or cpu: this machine has no CUDA device")
    return "cpu" if wanted == "cpu" or not torch.cuda.is_available() else "cuda"


def checkpoint_path(output: Path) -> Path:
    """Where a stage that takes `checkpoint` keeps its state until its output is written: beside the output, hidden."""
    return output.with_name(f".{output.name.removesuffix(SUFFIX)}.checkpoint{SUFFIX}")


def _be_deterministic(threads: int) -> None:
    """Fix torch's algorithms and threads, where a stage uses torch."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(0)


def _write(result, path: Path, provenance: dict, rules: list | None, scale: str) -> None:
    import xarray as xr

    from lib.atlas import store

    if path.name.endswith(SUFFIX):
        if not isinstance(result, xr.Dataset):
            raise StageError(f"{path.name} is a store, but the stage returned {type(result).__name__}, not a Dataset")
        print(f"digest {store.write(result, path, provenance)}")
        return
    short = {key: provenance[key] for key in ("paper", "stage", "code", "parameters", "timing") if key in provenance}
    short["inputs"] = _digests(provenance["inputs"])
    if path.suffix == ".svg":
        from lib.atlas import figure

        contents = figure.svg_bytes(result, short)
    elif path.suffix == ".csv":
        body = result.to_csv(index=False, lineterminator="\n").encode()
        short["digest"] = hashlib.sha256(body).hexdigest()[:16]
        contents = b"# " + json.dumps(short, sort_keys=True).encode() + b"\n" + body
    elif path.suffix == ".json" and rules is not None:
        from lib.atlas import claims

        content = {"scale": scale, "claims": claims.judge(rules, result, scale), "provenance": provenance}
        for entry in content["claims"]:
            unknown = sorted(set(entry["rests_on"]) - set(provenance["inputs"]))
            if unknown:
                raise StageError(f"claim {entry['id']} rests on {unknown[0]!r}, which is not an input of its rule")
            if _timed(provenance["inputs"], entry["rests_on"]):
                entry["timing"] = True
        contents = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    elif path.suffix == ".json" and isinstance(result, dict):
        contents = (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode()
    elif path.suffix == ".html" and isinstance(result, str):
        contents = result.encode()
    else:
        raise StageError(f"do not know how to write {type(result).__name__} as {path.name}")
    with store.replacing(path) as temporary:
        temporary.write_bytes(contents)


def _place(output: str, results: str, scale: str) -> tuple[str, str]:
    """Results folder of the scale as this job sees it, and the paper's name, from the path of an output.

    Under a storage provider, the job sees `results/<scale>` inside the provider's local copy.
    """
    folder = f"{results.rstrip('/')}/{scale}/"
    start = output.rfind(folder)
    if start < 0:
        return str(Path(output).parent), ""
    end = start + len(folder)
    return output[:end], output[end:].split("/")[0]


def _execute(function: Callable, snakemake) -> None:
    paths = _named(snakemake.input, "input")
    outputs = _named(snakemake.output, "output")
    if len(outputs) != 1:
        raise StageError(f"a stage writes one output, the rule has {len(outputs)}: {', '.join(outputs)}")
    (output,) = outputs.values()
    params = _named(snakemake.params, "param")
    scale = snakemake.config["scale"]
    folder, slug = _place(str(output), snakemake.config["results"], scale)
    stage = snakemake.rule.removeprefix(slug + "_")
    wildcards = {key: _wildcard(value) for key, value in snakemake.wildcards.items()}
    root_seed = params.get("root_seed")

    def rng():
        from lib.atlas.seeds import generator

        if root_seed is None:
            raise StageError(f"{function.__name__}() takes rng, but its rule has no root_seed param")
        return generator(root_seed, slug, stage, wildcards)

    device: dict[str, str] = {}

    def torch_device():
        device["device"] = choose_device(snakemake.config["device"])
        return device["device"]

    opened = {name: _open(path) if isinstance(path, str) else [_open(p) for p in path] for name, path in paths.items()}
    taken = {key: value for key, value in params.items() if key not in RESERVED}
    if root_seed is not None and "root_seed" in inspect.signature(function).parameters:
        taken["root_seed"] = root_seed
    made_from = {
        "paper": slug,
        "stage": stage,
        "scale": scale,
        "wildcards": wildcards,
        "parameters": plain({key: value for key, value in params.items() if key not in RESERVED}),
        "inputs": _lineage(paths, opened, folder + slug),
        "code": params.get("code", ""),
        "threads": snakemake.threads,
    } | ({} if root_seed is None else {"root_seed": root_seed})
    checkpoints = []

    def checkpoint():
        from lib.training.checkpoint import Checkpoint

        identity = made_from | {
            "inputs": _digests(made_from["inputs"]),
            "libraries": installed(),
            "device": torch_device() if "device" in inspect.signature(function).parameters else "cpu",
        }
        checkpoints.append(Checkpoint(checkpoint_path(Path(output)), identity))
        return checkpoints[0]

    provided = {"rng": rng, "device": torch_device, "checkpoint": checkpoint}
    arguments = bind(function, opened, taken, wildcards, provided)
    _be_deterministic(snakemake.threads)
    result = function(**arguments)
    provenance = made_from | {
        "commit": git_commit(Path(snakemake.scriptdir).parents[2]),
        "libraries": libraries(),
        "device": device.get("device", "cpu"),
    }
    if getattr(result, "attrs", {}).get("timing", False) or _timed(provenance["inputs"], provenance["inputs"]):
        provenance["timing"] = True
    _write(result, Path(output), provenance, params.get("pass_rules"), scale)
    for left in checkpoints:
        left.remove()


def run(function: Callable, snakemake) -> None:
    """Run one stage as a Snakemake job.

    Args:
        function: the documented function of the script.
        snakemake: the object that Snakemake puts into a script.
    """
    import faulthandler

    from lib.atlas import alive

    faulthandler.enable()
    alive.hold()
    terminal = os.fdopen(os.dup(2), "w")
    if snakemake.log:
        log = os.open(str(snakemake.log[0]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
    sys.stdout.reconfigure(line_buffering=True)
    warnings.filterwarnings("default", category=RuntimeWarning)
    try:
        _execute(function, snakemake)
    except Exception as error:
        with contextlib.suppress(OSError):  # a full disk takes no log either; the line below still reaches the user
            traceback.print_exc()
            sys.stderr.flush()
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
        print(f"{snakemake.rule}: {kind}{reason}", file=terminal, flush=True)
        sys.exit(1)
