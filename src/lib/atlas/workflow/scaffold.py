"""A new paper: its five places, filled with a small example that runs, from the templates under `workflow/template`."""

import json
import keyword
import re
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lib.atlas.names import ROOT
from lib.atlas.workflow.config import LONGEST_SLUG, SLUG

TEMPLATE = "workflow/template"
NAME, TITLE = "a_paper", "A PAPER"  # as the templates have them
_RULES = "all audit claims figure stage table"  # rules that every paper shares
_PAGES = "claims figures index"  # pages of the audit beside those of the papers
_DIRECTIVES = (
    "benchmark cache checkpoint conda config configfile container default_target envvars expand group include input "
    "localrule localrules log message module name notebook onerror onstart onsuccess output params paper pathvars "
    "priority report resources retries rule ruleorder rules run scattergather script shadow shell storage threads use "
    "wildcard_constraints wildcards workdir workflow wrapper"
)


def check_name(slug: str, root: Path) -> None:
    """Check that a new paper may have a name.

    Raises:
        ValueError: one line with the name and what is wrong with it.
    """
    if not re.fullmatch(SLUG, slug) or len(slug) > LONGEST_SLUG:
        raise ValueError(
            f"NAME: got {slug!r}, expected lower-case letters, digits and single underscores, a letter first, "
            f"at most {LONGEST_SLUG} of them"
        )
    if keyword.iskeyword(slug) or slug in " ".join((_RULES, _PAGES, _DIRECTIVES)).split():
        raise ValueError(
            f"NAME: got {slug!r}, which Python, Snakemake or the workflow uses itself, expected another name"
        )
    for other in sorted(file.stem for file in (root / "config/papers").glob("*.yaml")):
        if slug == other:
            raise ValueError(f"NAME: got {slug!r}, which is a paper already, expected a new name")
        if slug.startswith(f"{other}_") or other.startswith(f"{slug}_"):
            raise ValueError(
                f"NAME: got {slug!r}, whose rules could not be told from those of {other}, expected another name"
            )
    for place in places(slug, root).values():
        if place.exists():
            raise ValueError(f"NAME: got {slug!r}, but {place.relative_to(root)} exists, expected a new name")


def places(slug: str, root: Path) -> dict[Path, Path]:
    """Files of a new paper by their templates."""
    template = root / TEMPLATE
    files = sorted(file for file in template.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file: root / file.relative_to(template).as_posix().replace(NAME, slug) for file in files}


def write(slug: str, title: str, root: Path) -> list[Path]:
    """Write the files of a new paper.

    Args:
        slug: its name in files and rules.
        title: of the paper.
        root: the project's root folder.

    Returns:
        The files.

    Raises:
        ValueError: a name or title that a paper cannot have.
    """
    check_name(slug, root)
    if not title.strip() or not title.isprintable():
        raise ValueError(f"TITLE: got {title!r}, expected one line of text")
    files = places(slug, root)
    for template, file in files.items():
        words = json.dumps(title, ensure_ascii=False) if file.suffix == ".yaml" else title.rstrip(".")
        text = template.read_text(encoding="utf-8").replace(NAME, slug).replace(TITLE, words)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        shutil.copymode(template, file)
    return list(files.values())


def arguments(parser: ArgumentParser) -> None:
    """Arguments of the verb `paper`."""
    parser.add_argument("name", help="the paper's name in files and rules, such as my_paper")
    parser.add_argument("--title", required=True, help="the paper's title")


def main(options: Namespace) -> int:
    """Write the files of a new paper and say what to do with them."""
    for file in write(options.name, options.title, ROOT):
        print(file.relative_to(ROOT))
    print(f"Now: .venv/bin/snakemake --cores 2 {options.name} --config scale=smoke; docs/adding-a-paper.md goes on.")
    return 0
