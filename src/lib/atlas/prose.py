"""Numbers in prose: captions, remarks and notes of a paper's file name a quantity, and show what a run measured.

`{c5.ratio}` is the quantity `ratio` of claim `c5`, rounded to its error; `{c5.ratio[n = 20]}` and `{c5.ratio[0]}` are
one item of a list, `{c5.ratio.se}` is its standard error, `.low` and `.high` the ends of its interval, `.n` the number
of units, `{c5.ratio:.2f}` has a format of its own, and `{c5.verdict}` is the verdict.
"""

import math
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from lib.atlas.names import listed

NOT_MEASURED = "(not measured at this scale)"
NOT_YET = "(not measured yet)"
WITHOUT_DATA = "(not measured: it needs data)"
VERDICT = "verdict"  # in place of a quantity
TEXTS_ARE_FOR = "laptop"  # scale for which the texts are written: an item that is missing there is a mistake

_BRACES = re.compile(r"\{([A-Za-z][^{}]*)\}")  # {1, 3} is a set
_PLACEHOLDER = re.compile(
    r"(?P<claim>\w+)\.(?P<quantity>\w+)(\[(?P<item>.+?)\])?(\.(?P<part>se|low|high|n))?(:(?P<form>.+))?"
)


class ProseError(ValueError):
    """A placeholder that cannot be filled; the message names file, field and placeholder."""


@dataclass(frozen=True)
class Placeholder:
    """A quantity that prose names: `text` as written, `claim`, `quantity`, `item` of a list, `part` and `form`."""

    text: str
    claim: str
    quantity: str
    item: str | None
    part: str | None
    form: str | None


def plain_number(value) -> str:
    """A number without an error: integers in full, others to four significant digits, truth as yes or no."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not math.isfinite(value):
        return "not finite"
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def rounded(value, error=None, *others) -> list[str]:
    """A number, its standard error and further numbers beside it, all to the second digit of the error.

    Args:
        value: the number.
        error: its standard error, or None where it is not known.
        others: ends of its interval, for example; what is None is left out.
    """
    numbers = [value, *([] if error is None else [error]), *(one for one in others if one is not None)]
    finite = all(not isinstance(one, bool) and math.isfinite(one) for one in numbers)
    if error is None or not finite or error <= 0:
        return [plain_number(one) for one in numbers]
    digits = 1 - math.floor(math.log10(error))
    if digits > 6 or digits < -4:  # far from one: powers of ten
        top = max(abs(one) for one in numbers) or error
        places = max(0, digits + math.floor(math.log10(top)))
        return [f"{one:.{min(places, 6)}e}" if one != error else f"{one:.1e}" for one in numbers]
    return [f"{round(one, digits):.{max(digits, 0)}f}" for one in numbers]


def fields(spec: dict) -> Iterator[tuple[str, dict | list, str | int]]:
    """Prose of a paper's file that may hold placeholders: for each its name, and where it stands (holder and key)."""
    for name, entry in spec["figures"].items():
        yield f"figures.{name}.caption", entry, "caption"
    for entry in spec["claims"]:
        if "remarks" in entry:
            yield f"claims.{entry['id']}.remarks", entry, "remarks"
    notes = spec["paper"].get("notes", [])
    for index in range(len(notes)):
        yield f"paper.notes.{index}", notes, index


def placeholders(text: str, where: str) -> list[Placeholder]:
    """Placeholders of a text, in their order.

    Args:
        text: prose of a paper's file.
        where: file and field, for the message.

    Raises:
        ProseError: braces around words that are no placeholder, or a format that no number takes.
    """
    entries = []
    for match in _BRACES.finditer(text):
        parts = _PLACEHOLDER.fullmatch(" ".join(match[1].split()))
        if not parts:
            raise ProseError(f"{where}: got {match[0]}, expected a claim and its quantity, as in {{c5.ratio}}")
        one = Placeholder(match[0], **parts.groupdict())
        try:
            format(1 if one.part == "n" else 1.0, one.form or "")
        except ValueError as error:
            raise ProseError(f"{where}: got {match[0]}, expected a format of a number: {error}") from None
        entries.append(one)
    return entries


def check(spec: dict, label: str) -> None:
    """Check that the prose of a paper's file names claims that it has.

    Args:
        spec: the file.
        label: its name, for the message.

    Raises:
        ProseError: the first placeholder that cannot be one, or whose claim is unknown.
    """
    known = [entry["id"] for entry in spec["claims"]]
    for name, holder, key in fields(spec):
        for one in placeholders(holder[key], f"{label}: {name}"):
            if one.claim not in known:
                raise ProseError(f"{label}: {name}: {one.text}: got {one.claim}, expected one of {', '.join(known)}")


def _positions(one: Placeholder, quantity: dict) -> list[int]:
    """Which items of a quantity a placeholder names: all of them, or one; none where there is no such item."""
    values, labels = listed(quantity["value"]), quantity.get("labels") or []
    if one.item is None:
        return list(range(len(values)))
    if one.item in labels:
        return [labels.index(one.item)]
    index = int(one.item) if re.fullmatch(r"-?\d+", one.item) else len(values)
    return [index % len(values)] if -len(values) <= index < len(values) else []


def _number(one: Placeholder, quantity: dict, position: int) -> str:
    columns = {key: listed(quantity.get(key)) for key in ("value", "se", "low", "high", "n")}
    value, se, low, high, n = (column[position] if len(column) > position else column[0] for column in columns.values())
    chosen = {"se": se, "low": low, "high": high, "n": n, None: value}[one.part]
    if one.form and chosen is not None and not isinstance(chosen, bool) and math.isfinite(chosen):
        return format(chosen, one.form)
    if one.part == "n":
        return plain_number(chosen)
    texts = rounded(value, se, *(end for end in (low, high) if end is not None))
    names = [
        None,
        *(["se"] if se is not None else []),
        *(key for key in ("low", "high") if columns[key][0] is not None),
    ]
    return dict(zip(names, texts)).get(one.part, "unknown")


def _text(one: Placeholder, claim: dict | None, scale: str, where: str) -> str:
    """What stands in place of a placeholder.

    Raises:
        ProseError: a claim that was judged has no such quantity or item.
    """
    if claim is None:
        return NOT_YET
    if one.quantity == VERDICT:
        return claim["verdict"]
    judged = bool(claim["pass"]) and all(check["holds"] is not None for check in claim["pass"])
    absent = WITHOUT_DATA if "needs" in claim else NOT_MEASURED
    quantity = claim["quantities"].get(one.quantity)
    if quantity is None:
        if not judged:
            return absent
        names = ", ".join(claim["quantities"])
        raise ProseError(f"{where}: {one.text}: claim {one.claim} has no {one.quantity}, expected one of {names}")
    positions = _positions(one, quantity)
    if not positions:
        if not judged or scale != TEXTS_ARE_FOR:
            return absent
        names = ", ".join(quantity.get("labels") or [f"0 to {len(listed(quantity['value'])) - 1}"])
        raise ProseError(f"{where}: {one.text}: {one.quantity} has no item {one.item}, expected one of {names}")
    numbers = [_number(one, quantity, position) for position in positions]
    if len(numbers) > 1 and quantity.get("labels"):
        numbers = [f"{number} ({label})" for number, label in zip(numbers, quantity["labels"])]
    return ", ".join(numbers[:-1]) + " and " + numbers[-1] if len(numbers) > 1 else numbers[0]


def fill(text: str, claims: dict[str, dict], scale: str, where: str) -> str:
    """A text with its placeholders filled.

    Args:
        text: prose of a paper's file.
        claims: judged claims (`lib.atlas.job.claims.judge`) by id; what is not among them is not measured yet.
        scale: at which they were judged.
        where: file and field, for the message.

    Raises:
        ProseError: a placeholder that is none, or a claim that was judged and has no such quantity or item.
    """
    for one in placeholders(text, where):
        text = text.replace(one.text, _text(one, claims.get(one.claim), scale, where))
    return text


def filled(spec: dict, claims: list[dict], scale: str, label: str) -> dict:
    """A paper's file with the placeholders of its prose filled from judged claims; arguments as of `fill`."""
    spec, by_id = deepcopy(spec), {entry["id"]: entry for entry in claims}
    for name, holder, key in fields(spec):
        holder[key] = fill(holder[key], by_id, scale, f"{label}: {name}")
    return spec
