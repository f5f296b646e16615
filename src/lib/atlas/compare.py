"""Compare two runs of the workflow: every store array by array, every figure, table and claim.

Run as `python -m lib.atlas.compare results/laptop replica/laptop`. The exit status is 0 when everything is
identical or within the tolerance, 1 when something differs or is missing.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np

from lib.atlas import store

IDENTICAL, CLOSE, DIFFERENT = "identical", "within tolerance", "different"
_ORDER = (IDENTICAL, CLOSE, DIFFERENT)
_PROVENANCE = re.compile(rb"<dc:description>.*?</dc:description>", re.DOTALL)
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
        lib.atlas.store.StoreError: a store that cannot be read.
    """
    first, second = store.read(a), store.read(b)
    if store.digest(first) == store.digest(second):
        return IDENTICAL, ""
    if set(first.variables) != set(second.variables):
        return DIFFERENT, f"variables {sorted(set(map(str, first.variables)) ^ set(map(str, second.variables)))}"
    worst, words = IDENTICAL, ""
    for name in sorted(map(str, first.variables)):
        if first[name].dims != second[name].dims:
            return DIFFERENT, f"{name}: dimensions {first[name].dims} against {second[name].dims}"
        verdict, found = compare_arrays(first[name].values, second[name].values, rtol, atol)
        if _ORDER.index(verdict) > _ORDER.index(worst):
            worst, words = verdict, f"{name}: {found}"
    return worst, words


def _flat(value, key: str = ""):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _flat(item, f"{key}.{index}")
    else:
        yield key, value


def compare_claims(a: Path, b: Path, rtol: float, atol: float) -> tuple[str, str]:
    """Verdict on two `claims.json` files: numbers within the tolerance, all else equal; provenance is left out."""
    contents = []
    for path in (a, b):
        content = json.loads(path.read_text(encoding="utf-8"))
        papers = content.get("papers", [content])
        contents.append(
            dict(_flat([[{k: v for k, v in claim.items() if k != "sources"} for claim in p["claims"]] for p in papers]))
        )
    first, second = contents
    if first == second:
        return IDENTICAL, ""
    if first.keys() != second.keys():
        return DIFFERENT, f"entries {sorted(first.keys() ^ second.keys())[:3]}"
    for key, value in first.items():
        other = second[key]
        numbers = isinstance(value, float) and isinstance(other, float)
        if value != other and not (numbers and abs(value - other) <= atol + rtol * abs(value)):
            return DIFFERENT, f"{key.lstrip('.')}: {value} against {other}"
    return CLOSE, ""


def compare_files(a: Path, b: Path) -> tuple[str, str]:
    """Verdict on two figures or tables: the same bytes, or the same but for the provenance they carry."""
    first, second = a.read_bytes(), b.read_bytes()
    if first == second:
        return IDENTICAL, ""
    if a.suffix == ".svg" and _PROVENANCE.sub(b"", first) == _PROVENANCE.sub(b"", second):
        return CLOSE, "the same drawing from other code or inputs"
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


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lib.atlas.compare", description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path, help="results of one scale, such as results/laptop")
    parser.add_argument("second", type=Path, help="results of the same scale from another run")
    parser.add_argument("--rtol", type=float, default=1e-9, help="relative tolerance of floating-point numbers")
    parser.add_argument("--atol", type=float, default=1e-12, help="absolute tolerance of floating-point numbers")
    options = parser.parse_args(arguments)
    try:
        table = compare_runs(options.first, options.second, options.rtol, options.atol)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    for name, verdict, words in table:
        print(f"{verdict:17} {name}" + (f"  ({words})" if words else ""))
    counts = {verdict: sum(row[1] == verdict for row in table) for verdict in _ORDER}
    print(f"{len(table)} files: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    if not table:
        print(f"nothing to compare in {options.first} and {options.second}", file=sys.stderr)
        return 1
    return 1 if counts[DIFFERENT] else 0


if __name__ == "__main__":
    sys.exit(main())
