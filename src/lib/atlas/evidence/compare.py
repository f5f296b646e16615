"""Compare two runs of the workflow: every store array by array, every figure, table and claim.

Run as `python -m lib.atlas compare results/laptop replica/laptop`. The exit status is 0 when everything is
identical or within the tolerance, 1 when something differs or is missing. Files that hold measured times, or rest on
them, are counted apart: they must be there and have the same layout, their numbers are not compared.
"""

import json
import math
import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np

from lib.atlas.evidence import stamp
from lib.atlas.job import store

IDENTICAL, CLOSE, DIFFERENT = "identical", "within tolerance", "different"
TIMED = "measured times, not compared"
_ORDER = (IDENTICAL, CLOSE, DIFFERENT)
_PROVENANCE = re.compile(rb"<dc:description>.*?</dc:description>", re.DOTALL)
# of a claim, what says where its numbers come from, and what other runs gave
_BESIDE = ("sources", "function", "since", "scales", "stability")
PATTERNS = ("**/*.zarr.zip", "**/figures/*.svg", "**/tables/*.csv", "**/claims.json")


def compare_arrays(a: np.ndarray, b: np.ndarray, rtol: float, atol: float) -> tuple[str, str]:
    """Verdict on two arrays, and the largest deviation in words.

    Args:
        a, b: arrays of any type.
        rtol, atol: an entry is within tolerance when |a - b| <= atol + rtol * |a|.
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        return DIFFERENT, f"{a.dtype} {a.shape} against {b.dtype} {b.shape}"
    if a.dtype.kind not in "fc":
        count = int(np.sum(a != b))
        return (IDENTICAL, "") if count == 0 else (DIFFERENT, f"{count} of {a.size} entries differ")
    if a.tobytes() == b.tobytes():
        return IDENTICAL, ""
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return DIFFERENT, "one has values that are not finite where the other has numbers"
    finite = np.isfinite(a)
    gap = np.abs(a[finite] - b[finite])
    words = f"largest deviation {gap.max(initial=0.0):.3g}"
    close = np.all(gap <= atol + rtol * np.abs(a[finite])) and np.array_equal(a[~finite], b[~finite], equal_nan=True)
    return (CLOSE if close else DIFFERENT), words


def compare_stores(a: Path, b: Path, rtol: float, atol: float) -> tuple[str, str]:
    """Verdict on two stores: the worst of their arrays, with that array's name.

    Raises:
        lib.atlas.job.store.StoreError: a store that cannot be read.
    """
    first, second = store.read(a), store.read(b)
    if store.digest(first) == store.digest(second):
        return IDENTICAL, ""
    timed = [bool(dataset.attrs["provenance"].get("timing")) for dataset in (first, second)]
    if timed[0] != timed[1]:
        return DIFFERENT, "measured times in one of the two"
    if set(first.variables) != set(second.variables):
        return DIFFERENT, f"variables {sorted(set(map(str, first.variables)) ^ set(map(str, second.variables)))}"
    worst, words = IDENTICAL, ""
    for name in sorted(map(str, first.variables)):
        if first[name].dims != second[name].dims:
            return DIFFERENT, f"{name}: dimensions {first[name].dims} against {second[name].dims}"
        if timed[0] and name not in first.coords:
            a_layout, b_layout = [(d[name].dtype, d[name].shape) for d in (first, second)]
            if a_layout != b_layout:
                return DIFFERENT, f"{name}: {a_layout} against {b_layout}"
            continue
        verdict, deviation = compare_arrays(first[name].values, second[name].values, rtol, atol)
        if _ORDER.index(verdict) > _ORDER.index(worst):
            worst, words = verdict, f"{name}: {deviation}"
    return (TIMED, "") if timed[0] and worst == IDENTICAL else (worst, words)


def _flat(value, key: str = ""):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(item, f"{key}.{index}")
    else:
        yield key, value


def _comparable(claim: dict) -> dict:
    if claim.get("timing"):
        return {"id": claim["id"], "timing": True}
    return {key: value for key, value in claim.items() if key not in _BESIDE}


def compare_claims(a: Path, b: Path, rtol: float, atol: float) -> tuple[str, str]:
    """Verdict on two `claims.json` files: numbers within the tolerance, all else equal; provenance is left out.

    Of a claim that rests on measured times only its presence is compared; the words say how many there are.
    """
    contents, timed = [], 0
    for path in (a, b):
        content = json.loads(path.read_text(encoding="utf-8"))
        claims = [[_comparable(claim) for claim in p["claims"]] for p in content.get("papers", [content])]
        timed = sum(claim.get("timing", False) for paper in claims for claim in paper)
        contents.append(dict(_flat(claims)))
    first, second = contents
    left_out = f"{timed} claim(s) of measured times, not compared" if timed else ""
    if first.keys() != second.keys():
        return DIFFERENT, f"entries {sorted(first.keys() ^ second.keys())[:3]}"
    verdict = IDENTICAL
    for key, value in first.items():
        other = second[key]
        numbers = isinstance(value, float) and isinstance(other, float)
        if value == other or (numbers and math.isnan(value) and math.isnan(other)):
            continue
        if not (numbers and abs(value - other) <= atol + rtol * abs(value)):
            return DIFFERENT, f"{key.lstrip('.')}: {value} against {other}"
        verdict = CLOSE
    return verdict, left_out


def _timed_file(path: Path) -> bool:
    """Whether a figure or table says of itself that it rests on measured times."""
    if path.suffix == ".svg":
        from lib.atlas.job.figure import description

        try:
            return bool(description(path).get("timing"))
        except ValueError:
            return False
    head = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    try:
        return head.startswith("# {") and bool(json.loads(head[2:]).get("timing"))
    except json.JSONDecodeError:
        return False


def compare_files(a: Path, b: Path) -> tuple[str, str]:
    """Verdict on two figures or tables: the same bytes, or the same but for the provenance they carry."""
    first, second = a.read_bytes(), b.read_bytes()
    if first == second:
        return IDENTICAL, ""
    if a.suffix == ".svg" and _PROVENANCE.sub(b"", first) == _PROVENANCE.sub(b"", second):
        return CLOSE, "the same drawing from other code or inputs"
    if _timed_file(a) and _timed_file(b):
        return TIMED, ""
    return DIFFERENT, "not the same bytes"


def compare_runs(a: Path, b: Path, rtol: float, atol: float) -> list[tuple[str, str, str]]:
    """Compare two folders of results.

    Args:
        a, b: results of one scale.
        rtol, atol: tolerance of numbers.

    Returns:
        `(file, verdict, words)` for each store, figure, table and claims file of either run.

    Raises:
        FileNotFoundError: a folder does not exist.
    """
    for folder in (a, b):
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such results folder")
    names = sorted({p.relative_to(f).as_posix() for f in (a, b) for pattern in PATTERNS for p in f.glob(pattern)})
    table = []
    for name in names:
        missing = [str(folder) for folder in (a, b) if not (folder / name).exists()]
        if missing:
            table.append((name, DIFFERENT, f"missing in {missing[0]}"))
            continue
        try:
            if name.endswith(store.SUFFIX):
                verdict, words = compare_stores(a / name, b / name, rtol, atol)
            elif name.endswith("claims.json"):
                verdict, words = compare_claims(a / name, b / name, rtol, atol)
            else:
                verdict, words = compare_files(a / name, b / name)
        except store.StoreError as error:
            verdict, words = DIFFERENT, str(error)
        table.append((name, verdict, words))
    return table


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `python -m lib.atlas compare`."""
    parser.add_argument("first", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("second", type=Path, help="results of the same scale from another run")
    parser.add_argument("--rtol", type=float, default=1e-9, help="relative tolerance of floating-point numbers")
    parser.add_argument("--atol", type=float, default=1e-12, help="absolute tolerance of floating-point numbers")


def main(options: Namespace) -> int:
    """Print the comparison; return the exit status."""
    table = compare_runs(options.first, options.second, options.rtol, options.atol)
    for name, verdict, words in table:
        print(f"{verdict:{len(TIMED)}} {name}" + (f"  ({words})" if words else ""))
    kinds = (*_ORDER, TIMED)
    papers = sorted({row[0].partition("/")[0] for row in table})
    print(f"\n{'paper':34}" + "".join(f"{kind:>{max(12, len(kind) + 2)}}" for kind in kinds))
    for paper in papers:
        verdicts = [verdict for name, verdict, _ in table if name.partition("/")[0] == paper]
        print(f"{paper:34}" + "".join(f"{verdicts.count(kind):{max(12, len(kind) + 2)}d}" for kind in kinds))
    print()
    counts = {verdict: sum(row[1] == verdict for row in table) for verdict in kinds}
    ended = f"{len(table)} files: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    print(ended)
    if not table:
        print(f"nothing to compare in {options.first} and {options.second}", file=sys.stderr)
        return 1
    stamp.note(options.first, "replicate", not counts[DIFFERENT], ended)
    return 1 if counts[DIFFERENT] else 0
