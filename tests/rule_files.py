"""Rule files read as Python: what they assign and what they read, without running Snakemake."""

import builtins
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RULE = re.compile(r"^( *)(?:rule(?: \w+)?|use rule \w+ as \w+ with|onsuccess|onerror):$")
_DIRECTIVES = (
    "benchmark conda configfile default_target group include input localrules log name output params priority "
    "resources script threads wildcard_constraints"
)
_DIRECTIVE = re.compile(rf"^( *)({'|'.join(_DIRECTIVES.split())}):(.*)$")


def as_python(text: str) -> str:
    """A rule file, as snakefmt leaves it, with every rule a block and every directive a call."""
    lines: list[str] = []
    open_calls: list[int] = []  # indents of the directives whose arguments are being read
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() and not line.lstrip().startswith("#"):
            while open_calls and indent <= open_calls[-1]:
                lines.append(" " * open_calls.pop() + ")")
        rule, directive = _RULE.match(line), _DIRECTIVE.match(line)
        if rule:
            lines.append(f"{rule[1]}if True:")
        elif directive and directive[3].strip():
            lines.append(f"{directive[1]}dict({directive[3]})")
        elif directive:
            lines.append(f"{directive[1]}dict(")
            open_calls.append(indent)
        else:
            lines.append(line)
    return "\n".join([*lines, *(" " * indent + ")" for indent in reversed(open_calls))]) + "\n"


@dataclass
class Names:
    """Names of a rule file that live in the namespace that all rule files share."""

    assigned: set[str]
    read: set[str]
    read_late: set[str]
    """Read by functions and lambdas, that is when a job is made and no longer when the file is."""


def _scopes(table: symtable.SymbolTable, late: bool = False) -> Iterator[tuple[symtable.SymbolTable, bool]]:
    yield table, late
    for child in table.get_children():
        comprehension = child.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")
        yield from _scopes(child, late or not comprehension)


def names(text: str) -> Names:
    """What a rule file assigns and reads.

    Raises:
        SyntaxError: the file is not what snakefmt writes.
    """
    result = Names(set(), set(), set())
    for table, late in _scopes(symtable.symtable(as_python(text), "rules", "exec")):
        for symbol in table.get_symbols():
            shared = table.get_type() == "module" or symbol.is_global()
            if not shared:
                continue
            name = symbol.get_name()
            if symbol.is_assigned() or symbol.is_imported() or (symbol.is_namespace() and table.get_type() == "module"):
                result.assigned.add(name)
            if symbol.is_referenced() and not hasattr(builtins, name):
                result.read.add(name)
                if late:
                    result.read_late.add(name)
    return result


def collisions(papers: dict[str, str], shared: list[str]) -> list[str]:
    """What in the rule files of papers could reach another paper.

    Args:
        papers: text of each paper's rule file by slug.
        shared: texts of the files that all papers share.

    Returns:
        One sentence for each name that is assigned or read where it must not be; empty for files that are apart.
    """
    of = {slug: names(text) for slug, text in papers.items()}
    common = set().union(*(names(text).assigned for text in shared))
    sentences = []
    for slug, own in of.items():
        others = set().union(*(names.assigned for other, names in of.items() if other != slug))
        prefix = f"{slug.upper()}_"
        sentences += [
            f"{slug} assigns {name}, not named {prefix}*" for name in own.assigned if not name.startswith(prefix)
        ]
        sentences += [f"{slug} assigns {name}, which another paper assigns" for name in own.assigned & others]
        sentences += [f"{slug} reads {name} of another paper" for name in own.read & (others - own.assigned)]
        settled = common - {"paper", "slug"}  # these change from file to file
        sentences += [f"{slug} reads {name} late" for name in own.read_late - settled]
    return sorted(sentences)


def read(root: Path) -> tuple[dict[str, str], list[str]]:
    """Texts of the papers' rule files by slug, and of the files that all share."""
    slugs = sorted(file.stem for file in (root / "config/papers").glob("*.yaml"))
    files = sorted((root / "workflow/rules").glob("*.smk"))
    shared = [root / "Snakefile", *(file for file in files if file.stem not in slugs)]
    return (
        {slug: (root / f"workflow/rules/{slug}.smk").read_text() for slug in slugs},
        [file.read_text() for file in shared],
    )
