"""What was read before, kept under the hash of what was read, so that a start of Snakemake need not read it again."""

import atexit
import contextlib
import hashlib
import json
import os
from functools import cache
from pathlib import Path

MOST_REMEMBERED = 20_000


class Memory:
    """JSON values by key, kept in one file; damage is as good as absence."""

    def __init__(self, file: Path):
        self.file = file
        self.known: dict = {}
        self.used: dict = {}
        with contextlib.suppress(OSError, ValueError):
            checksum, _, contents = file.read_text(encoding="utf-8").partition("\n")
            if hashlib.sha256(contents.encode()).hexdigest() == checksum:
                self.known = json.loads(contents)

    def save(self) -> None:
        """Write what is new, whole or not at all; a folder that cannot be written stays as it is."""
        if self.used.keys() <= self.known.keys():
            return
        contents = json.dumps((self.known if len(self.known) < MOST_REMEMBERED else {}) | self.used)
        part = self.file.with_name(f"{self.file.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            part.write_text(f"{hashlib.sha256(contents.encode()).hexdigest()}\n{contents}", encoding="utf-8")
            part.replace(self.file)


@cache
def memory(file: Path) -> Memory:
    """The memory that is kept in a file, saved when this process ends."""
    result = Memory(file)
    atexit.register(result.save)
    return result


def digest(*parts: bytes) -> str:
    """Hash of everything that a remembered value depends on."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
