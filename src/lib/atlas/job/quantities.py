"""Measured quantities, and how sure each is: exact, estimated over independent units, or timed.

`exact` is a count, a bound, an identity's error: nothing random decides it. `estimated` is a statistic of units that
were drawn independently (seeds, teachers, clips, data sets), with its standard error and 95 % interval from
`lib.stats`. `timed` is a wall time or a ratio of wall times, over repeats that took turns.
"""

import math
from numbers import Integral, Real

import numpy as np

from lib.stats.intervals import Estimate, estimate_mean, estimate_proportion

EXACT, ESTIMATED, TIMED = KINDS = ("exact", "estimated", "timed")


def _plain(value, what: str):
    """A JSON number or boolean, or a list of them, from Python or NumPy."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item, what) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise ValueError(f"{what}: got {value!r} ({type(value).__name__}), expected a number, a boolean or a list of them")


def _entry(kind: str, value, labels) -> dict:
    value = _plain(value, "measured value")
    if isinstance(value, list) and any(isinstance(item, list) for item in value):
        raise ValueError("measured value: got a nested list, expected a flat one")
    entry = {"kind": kind, "value": value}
    if labels is not None:
        labels = [str(label) for label in labels]
        if not isinstance(value, list) or len(labels) != len(value):
            raise ValueError(f"labels: got {labels!r}, expected one for each item of the value {value!r}")
        entry["labels"] = labels
    return entry


def exact(value, *, labels=None) -> dict:
    """A quantity in which nothing is random.

    Args:
        value: number or boolean, or a flat list of them.
        labels: one text for each item of a list.

    Raises:
        ValueError: a shape or type that does not fit.
    """
    return _entry(EXACT, value, labels)


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


def _uncertain(kind: str, estimate: Estimate, units: str, labels, ids) -> dict:
    value, se, low, high, n = estimate
    entry = _entry(kind, value, labels)
    size = len(entry["value"]) if isinstance(entry["value"], list) else None
    for name, error in (("se", se), ("low", low), ("high", high)):
        error = _plain(error, name)
        if (len(error) if isinstance(error, list) else None) != size:
            raise ValueError(f"{name}: got {error!r}, expected the shape of the value {entry['value']!r}")
        entry[name] = [_known(item) for item in error] if isinstance(error, list) else _known(error)
    entry |= {"n": _plain(n, "n"), "units": units}
    if ids is not None:
        entry["ids"] = [item if isinstance(item, str) else _plain(item, "ids") for item in np.asarray(ids).tolist()]
    return entry


def estimated(estimate: Estimate, units: str, *, labels=None, ids=None) -> dict:
    """A statistic of independent units, from one of the functions of `lib.stats`.

    Args:
        estimate: value, standard error, ends of the 95 % interval and number of units; numbers, or flat arrays.
        units: what was drawn independently, in the plural: "seeds", "teachers", "clips".
        labels: one text for each item of a list.
        ids: which units they were (seeds, names), where that helps a reader.

    Raises:
        ValueError: a shape or type that does not fit.
    """
    return _uncertain(ESTIMATED, estimate, units, labels, ids)


def timed(estimate: Estimate, units: str = "repeats", *, labels=None) -> dict:
    """A wall time, or a ratio of wall times, over repeats that took turns; arguments as of `estimated`."""
    return _uncertain(TIMED, estimate, units, labels, None)


def mean_over(units: str, values, *, axis: int = 0, labels=None, ids=None) -> dict:
    """Mean over independent units with Student's interval; the error of a single unit is not known (None).

    Args:
        units: what was drawn independently, in the plural.
        values: one value for each unit along `axis`; at most one other axis, whose items `labels` names.
        axis: axis of the units.
        labels, ids: as of `estimated`.

    Raises:
        ValueError: no unit, or a shape that does not fit.
    """
    values = np.asarray(values, dtype=float)
    if values.shape[axis] == 1:
        value = values.squeeze(axis)
        unknown = np.full_like(value, math.nan)
        return estimated(Estimate(value, unknown, unknown, unknown, 1), units, labels=labels, ids=ids)
    return estimated(estimate_mean(values, axis), units, labels=labels, ids=ids)


def share_of(units: str, hits, trials: int, *, labels=None) -> dict:
    """Share of independent units that hit, with the exact interval of Clopper and Pearson.

    Args:
        units: what was drawn independently, in the plural.
        hits: count, or a flat list of counts.
        trials: number of units.
        labels: as of `estimated`.

    Raises:
        ValueError: no trials, or counts outside [0, trials].
    """
    return estimated(estimate_proportion(hits, trials), units, labels=labels)


def items(quantity: dict) -> list[tuple]:
    """Value and ends of the interval of each item of a quantity: of an exact one all the same, None where unknown."""
    values = quantity["value"] if isinstance(quantity["value"], list) else [quantity["value"]]

    def ends(name: str) -> list:
        if quantity["kind"] == EXACT:
            return values
        return quantity[name] if isinstance(quantity[name], list) else [quantity[name]]

    return list(zip(values, ends("low"), ends("high")))
