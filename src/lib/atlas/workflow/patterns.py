"""Paths with wildcards: what they match, and how they are filled in."""

import re
from functools import cache


@cache
def _compiled(path: str, constraints: tuple[tuple[str, str], ...]) -> re.Pattern:
    parts = re.split(r"\{(\w+)(?:,[^}]*)?\}", path)
    limits, seen, text = dict(constraints), set(), ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            text += re.escape(part)
        elif part in seen:
            text += f"(?P={part})"
        else:
            seen.add(part)
            text += f"(?P<{part}>{limits.get(part, '.+?')})"
    return re.compile(text)


def pattern(path: str, constraints: dict[str, str] | None = None) -> re.Pattern:
    """A pattern that matches the files of a path with wildcards, and names what each stands for.

    Args:
        path: with wildcards in braces.
        constraints: what a wildcard may stand for, by name; anything where it is left out.
    """
    return _compiled(path, tuple(sorted((constraints or {}).items())))


def fill(path: str, wildcards: dict[str, str]) -> str:
    """A path with its wildcards filled in."""
    return re.sub(r"\{(\w+)(?:,[^}]*)?\}", lambda match: str(wildcards.get(match[1], match[0])), path)
