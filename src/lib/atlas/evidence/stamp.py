"""The stamp of the audit's first page: when a run was last checked, and last compared with a second run.

`make check` and `make replicate` note their outcome. The page carries what was noted as data, and is made again with
it, so that `check` still compares every byte. A page that is not what its inputs give is left as it is, and a page that
Snakemake makes anew begins without notes: they were about other results.
"""

import json
import re
import time
from pathlib import Path

from lib.atlas.evidence.plan import module
from lib.atlas.job.store import replace
from lib.atlas.names import ROOT, document_name
from lib.atlas.provenance import git_commit

KINDS = ("check", "replicate")
_BLOCK = re.compile(r'<script type="application/json" id="notes">(.*?)</script>', re.DOTALL)
_SHAPES = {
    "time": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"),
    "commit": re.compile(r"[\w+]{1,60}"),
    "words": re.compile(r"[\w ,.:;()@+/-]{1,400}"),
}


def read(page: Path) -> dict[str, dict]:
    """What the first page carries: for `check` and `replicate` time, commit, whether all was well, and words.

    Raises:
        ValueError: the page is not readable, or carries something else.
    """
    match = _BLOCK.search(page.read_text(encoding="utf-8"))
    if match is None:
        return {}
    try:
        notes = json.loads(match[1])
        for kind, note in notes.items():
            shapes = all(shape.fullmatch(note[key]) for key, shape in _SHAPES.items())
            if (
                kind not in KINDS
                or note.keys() != {*_SHAPES, "good"}
                or not isinstance(note["good"], bool)
                or not shapes
            ):
                raise ValueError(kind)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{page.name}: its notes of checks are not ours ({error})") from None
    return notes


def _page(results: Path, notes: dict, root: Path) -> bytes:
    """The first page of a run with other notes."""
    claims = json.loads((results / "audit/claims.json").read_text(encoding="utf-8"))
    figures = [*results.glob("*/figures/*.svg"), *results.glob("*/tables/*.csv")]
    kept = sorted((root / "docs" / document_name(claims["scale"])).glob("*.md"))
    templates = sorted((root / "workflow/report/pages").iterdir())
    script = module(root / "workflow/scripts/audit/index.py")
    return script.index(claims, figures, templates, kept, notes).encode()


def is_sound(results: Path, root: Path = ROOT) -> bool:
    """Whether the first page of a run is there and is what its inputs give."""
    page = results / "audit/index.html"
    try:
        return page.read_bytes() == _page(results, read(page), root)
    except (OSError, ValueError):
        return False


def renew(results: Path, notes: dict | None = None, root: Path = ROOT) -> None:
    """Make the first page of a run again, with further notes."""
    page = results / "audit/index.html"
    replace(page, _page(results, read(page) | (notes or {}), root))


def note(results: Path, kind: str, good: bool, words: str, root: Path = ROOT) -> None:
    """Note on the first page of a run how a check or a comparison ended; say so where that cannot be done.

    Args:
        results: results of one scale, such as `results/laptop`.
        kind: one of `KINDS`.
        good: whether all was well.
        words: its last line.
        root: the project's root folder.
    """
    if not is_sound(results, root):
        return
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    words = "".join(letter if _SHAPES["words"].fullmatch(letter) else " " for letter in words)[:400]
    try:
        renew(results, {kind: {"time": now, "commit": git_commit(root), "good": good, "words": words}}, root)
    except OSError as error:
        print(f"{results}/audit/index.html: not noted there: {error.strerror}")
