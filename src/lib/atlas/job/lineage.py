"""The record of what a result was made from: for each input its name, its digest, and its own record in turn."""

import hashlib
import os
from pathlib import Path

from lib.atlas.names import SUFFIX, listed

_INHERITED = ("digest", "stage", "wildcards", "parameters", "root_seed", "code", "commit", "timing", "inputs")


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        lines = "".join(f"{file.relative_to(path).as_posix()} {checksum(file)}\n" for file in files)
        return hashlib.sha256(lines.encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(path: str, results: str, root: Path) -> dict[str, str]:
    """Path of a raw file of the project; neither of results, which may lie in a storage, nor of a user's data."""
    file = Path(path).resolve()
    inside = file.is_relative_to(root) and not file.is_relative_to(Path(results).resolve())
    return {"path": file.relative_to(root).as_posix()} if inside else {}


def _each(function, value):
    """Apply a function to a value, or to each item of a list."""
    return [function(item) for item in value] if isinstance(value, list) else function(value)


def lineage(paths: dict, opened: dict, folder: str, root: Path) -> dict:
    """What each input is and was made from.

    Args:
        paths: path, or list of paths, of each input by name.
        opened: the same inputs as a function receives them.
        folder: the paper's results; names of stores are relative to it.
        root: the project's root folder; a raw file inside it is recorded with its path, others with their name alone.
    """
    results = os.path.dirname(folder)

    def entry(pair: tuple) -> dict:
        path, value = pair
        store = os.path.relpath(path, folder) if path.startswith(folder) else Path(path).name
        if not path.endswith(SUFFIX):
            return {"store": store, **_place(path, results, root), "sha256": checksum(Path(path))}
        provenance = value.attrs["provenance"]
        return {"store": store} | {key: provenance[key] for key in _INHERITED if key in provenance}

    def pairs(path, value):
        return list(zip(path, value)) if isinstance(value, list) else (path, value)

    return {name: _each(entry, pairs(paths[name], opened[name])) for name in sorted(opened)}


def digests(inputs: dict) -> dict:
    """A lineage cut down to the names and digests of the direct inputs."""
    return {
        name: _each(
            lambda entry: {key: entry[key] for key in ("store", "digest", "path", "sha256") if key in entry}, value
        )
        for name, value in inputs.items()
    }


def timed(inputs: dict, names=None) -> bool:
    """Whether one of the named inputs of a lineage (all by default) holds measured times or rests on them."""
    return any(entry.get("timing", False) for name in names or inputs for entry in listed(inputs[name]))
