"""Damage the files of a finished run: flipped bits, lost tails, lost files, full disks."""

import random
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import xarray as xr

from lib.atlas.job import store

PARTS = ("chunk data", "metadata", "local headers", "central directory", "end of the zip")


def parts_of(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Byte ranges of a store by what they hold."""
    ranges = {part: [] for part in PARTS}
    with zipfile.ZipFile(path) as file:
        for member in file.infolist():
            name = len(member.filename.encode())
            start = member.header_offset + 30 + name
            ranges["local headers"].append((member.header_offset, start))
            kind = "metadata" if member.filename.endswith("zarr.json") else "chunk data"
            if member.compress_size:
                ranges[kind].append((start, start + member.compress_size))
        directory = file.start_dir
    size = path.stat().st_size
    ranges["central directory"].append((directory, size - 22))
    ranges["end of the zip"].append((size - 22, size))
    return ranges


def _outcome(path: Path, clean: xr.Dataset) -> str:
    try:
        found = store.read(path)
    except store.StoreError as error:
        return "refused" if path.name in str(error) and "\n" not in str(error) else f"bad message: {error}"
    except Exception as error:  # any other error is a failure to report, not to hide
        return f"{type(error).__name__}: {error}"
    return "values and attributes unaffected" if found.identical(clean) else "SILENTLY CHANGED"


def flips(stores: list[Path], number: int, seed: int, folder: Path) -> Counter:
    """Flip one bit in each of `number` places, the parts of a store in turn; count `(part, outcome)`.

    Args:
        stores: stores to draw from; they are copied, never touched.
        number: places.
        seed: of the places.
        folder: where the damaged copies are written.
    """
    draw, counts = random.Random(seed), Counter()
    clean = {path: store.read(path) for path in stores}
    for index in range(number):
        path, part = draw.choice(stores), PARTS[index % len(PARTS)]
        start, end = draw.choice(parts_of(path)[part])
        byte, bit = draw.randrange(start, end), draw.randrange(8)
        contents = bytearray(path.read_bytes())
        contents[byte] ^= 1 << bit
        target = folder / path.name
        target.write_bytes(contents)
        counts[part, _outcome(target, clean[path])] += 1
        target.unlink()
    return counts


def cuts(stores: list[Path], number: int, seed: int, folder: Path) -> Counter:
    """Cut the tail off at random lengths, nothing and one byte less among them; count the outcomes."""
    draw, counts = random.Random(seed), Counter()
    for index in range(number):
        path = draw.choice(stores)
        size = path.stat().st_size
        keep = (0, size - 1)[index] if index < 2 else draw.randrange(size)
        target = folder / path.name
        target.write_bytes(path.read_bytes()[:keep])
        counts[_outcome(target, store.read(path))] += 1
        target.unlink()
    return counts


def repaired(project, path: Path, needed_by: list[Path], damaged: bytes | None) -> str:
    """Put damage in a store's place, run, follow the advice of the message, run again; say how it ended.

    Args:
        project: a finished copy of the project (`tests.conftest.Copy`).
        path: one of its stores.
        needed_by: files made from it; they are removed, so that the next run needs the store.
        damaged: what the file holds instead; None removes it.
    """
    whole = path.read_bytes()
    before = {p: p.read_bytes() for p in needed_by}
    for made in needed_by:
        made.unlink()
    targets = [made.relative_to(project.root).as_posix() for made in needed_by]
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged)
        done = project.snakemake(*targets, check=False)
        said = [line for line in done.stderr.splitlines() if line.startswith("toy_") and path.name in line]
        if done.returncode != 1 or not said:
            return f"not refused (exit status {done.returncode})"
        path.unlink(missing_ok=True)
    done = project.snakemake(*targets, check=False)
    if done.returncode:
        return f"not repaired: {done.stderr[-300:]}"
    same = path.read_bytes() == whole and all(p.read_bytes() == contents for p, contents in before.items())
    return "remade, the same bytes" if same else "remade, other bytes"


def full_disk(project, sizes: list[int], command: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    """Run into a small file system of each size, in KiB; then give it room and run again.

    Returns:
        For each size how it ended; an empty list where mounts are not allowed.
    """
    ended = []
    small = project.root / "small"
    for size in sizes:
        small.mkdir(exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(small)], capture_output=True
        )
        if mounted.returncode:
            return []
        try:
            done = project.snakemake(*command, "--config", "scale=smoke", "results=small", check=False)
            broken = []
            for path in small.rglob("*" + store.SUFFIX):
                try:
                    store.read(path)
                except store.StoreError:
                    broken.append(path.name)
            if done.returncode == 0:
                ended.append((size, "NOT FULL"))
            elif broken or list(small.rglob("*.tmp")):
                ended.append((size, f"half-written files: {broken}"))
            elif "No space left on device" not in done.stderr:
                ended.append((size, f"no word of the disk: {done.stderr[-300:]}"))
            else:
                subprocess.run(["mount", "-o", "remount,size=200m", str(small)], check=True)
                again = project.snakemake(*command, "--config", "scale=smoke", "results=small", check=False)
                ended.append(
                    (size, "named; carried on with more room" if again.returncode == 0 else "did not carry on")
                )
        finally:
            subprocess.run(["umount", "-l", str(small)], check=True)
    return ended
