"""Wrong values planted in a store, as if the stage that makes it had computed them.

An error never asks a claim what it reads: every variable, every axis and every text of a store is a place for one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import xarray as xr

from lib.atlas.names import listed

NOT_A_NUMBER, ONE_NOT_A_NUMBER = "every value not a number", "one value not a number"
MEANINGLESS = "text without a meaning"
TURNED, SWAPPED = "every truth turned", "two methods or cases swapped"
PROBES = (NOT_A_NUMBER, TURNED, MEANINGLESS)  # where nothing moves then, no claim reads the variable
FACTOR = 2
SWAPS = 3  # pairs of neighbouring labels, of each axis


@dataclass(frozen=True)
class Error:
    """An error of some kind in an input of the claims; `value` gives what they receive instead.

    `lies_in` names the variables of the store that it changes.
    """

    kind: str
    store: str
    place: str
    value: Callable
    lies_in: frozenset[str]


def _stores(inputs: dict) -> list[tuple[str, xr.Dataset | list[xr.Dataset]]]:
    """Inputs that are stores or lists of stores."""
    return [
        (name, value)
        for name, value in inputs.items()
        if listed(value) and all(isinstance(item, xr.Dataset) for item in listed(value))
    ]


def _is_index(item: xr.Dataset, dim: str) -> bool:
    return dim in item.coords


def _each(value, change: Callable[[xr.Dataset], xr.Dataset]):
    """An input whose stores are all changed: one stage makes those of a list."""
    return [change(item) for item in value] if isinstance(value, list) else change(value)


def _replace(name: str, new: Callable[[np.ndarray], np.ndarray]) -> Callable[[xr.Dataset], xr.Dataset]:
    """A change of one variable of a store, where the store has it."""

    def change(item: xr.Dataset) -> xr.Dataset:
        if name not in item.variables:
            return item
        changed = item[name].copy(data=new(item[name].values))
        return item.assign_coords({name: changed}) if name in item.coords else item.assign({name: changed})

    return change


def _take(dim: str, order: Callable[[int], np.ndarray]) -> Callable[[xr.Dataset], xr.Dataset]:
    """A change of order along a dimension: the values move, the labels stay."""

    def change(item: xr.Dataset) -> xr.Dataset:
        if dim not in item.dims:
            return item
        moved = item.isel({dim: order(item.sizes[dim])})
        labels = {
            name: (item[name].dims, item[name].values, item[name].attrs)
            for name in item.coords
            if dim in item[name].dims
        }
        return moved.assign_coords(labels)

    return change


def _exchanged(first: str, second: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda labels: np.where(labels == first, second, np.where(labels == second, first, labels))


def _first_not_a_number(values: np.ndarray) -> np.ndarray:
    values = values.astype(float)
    values.reshape(-1)[:1] = np.nan  # one store of several may hold none
    return values


def _of_numbers(store: str, value) -> Iterator[Error]:
    """Errors in each variable of numbers or truths."""
    for name in dict.fromkeys(name for item in listed(value) for name in item.data_vars):
        kind = next(item[name].dtype.kind for item in listed(value) if name in item)
        if not any(item[name].size for item in listed(value) if name in item):
            continue

        def error(what: str, new: Callable, name=name) -> Error:
            return Error(what, store, name, lambda: _each(value, _replace(name, new)), frozenset({name}))

        if kind == "f":
            yield error(f"every value times {FACTOR}", lambda values: values * FACTOR)
            yield error("a constant: the mean for every value", lambda v: np.full_like(v, np.nanmean(v)))
        if kind in "iu":
            yield error("every count off by one", lambda values: values + values.dtype.type(1))
        if kind == "b":
            yield error(TURNED, np.logical_not)
        if kind in "fiu":
            yield error(NOT_A_NUMBER, lambda values: np.full(values.shape, np.nan))
            yield error(ONE_NOT_A_NUMBER, _first_not_a_number)


def _of_labels(store: str, value) -> Iterator[Error]:
    """Errors of order: two labels exchanged, all labels shifted by one."""
    items = listed(value)
    for dim in dict.fromkeys(dim for item in items for dim in item.dims):
        item = next(item for item in items if dim in item.dims)
        size = item.sizes[dim]
        if not _is_index(item, dim) or size < 2:
            continue
        if item[dim].dtype.kind in "OU":
            for one, two in islice(pairwise(range(size)), SWAPS):

                def swap(length: int, one=one, two=two) -> np.ndarray:
                    order = np.arange(length)
                    if two < length:
                        order[[one, two]] = order[[two, one]]
                    return order

                place = f"{item[dim].values[one]} and {item[dim].values[two]} of {dim}"
                yield Error(SWAPPED, store, place, lambda d=dim, s=swap: _each(value, _take(d, s)), _along(value, dim))
        if size > 2 or item[dim].dtype.kind not in "OU":
            shift = _take(dim, lambda length: np.roll(np.arange(length), 1))
            yield Error("labels shifted by one", store, dim, lambda s=shift: _each(value, s), _along(value, dim))
    for name in dict.fromkeys(name for item in items for name in item.variables if name not in item.dims):
        item = next(item for item in items if name in item.variables)
        labels = list(dict.fromkeys(map(str, item[name].values.ravel()))) if item[name].dtype.kind in "OU" else []
        for one, two in islice(pairwise(labels), SWAPS):

            def rename(item: xr.Dataset, name=name, one=one, two=two) -> xr.Dataset:
                return _replace(name, _exchanged(one, two))(item)

            place = f"{one[:20]} and {two[:20]} of {name}"
            yield Error(SWAPPED, store, place, lambda r=rename: _each(value, r), frozenset({name}))


def _along(value, dim: str) -> frozenset[str]:
    """Variables that lie along a dimension."""
    return frozenset(name for item in listed(value) for name in item.data_vars if dim in item[name].dims)


def _of_units(store: str, value, units: set[str]) -> Iterator[Error]:
    """The first of the independent units in the place of each."""
    for dim in sorted({dim for item in listed(value) for dim in item.dims if dim in units}):
        if any(item.sizes.get(dim, 1) > 1 for item in listed(value)):
            repeat = _take(dim, lambda length: np.zeros(length, dtype=int))
            place = _along(value, dim)
            yield Error("units repeated: one seed for all", store, dim, lambda r=repeat: _each(value, r), place)


def _renamed(item: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """A store that says of itself what another says: its attributes, and texts that are no array."""
    names = [name for name in item.variables if item[name].ndim == 0 and item[name].dtype.kind in "OU"]
    return item.assign({name: other[name] for name in names if name in other}).assign_attrs(other.attrs)


def _same(one, other) -> bool:
    pairs = zip(listed(one), listed(other))
    return all(first.identical(second) for first, second in pairs)


def probes(inputs: dict) -> Iterator[Error]:
    """Texts that name nothing in the place of each text: what nobody misses there, nobody reads."""
    for store, value in _stores(inputs):
        for name in dict.fromkeys(name for item in listed(value) for name in item.variables if name not in item.dims):
            if all(item[name].dtype.kind in "OU" for item in listed(value) if name in item.variables):

                def empty(labels: np.ndarray) -> np.ndarray:
                    return np.array([f"?{label}" for label in labels.ravel()], dtype=object).reshape(labels.shape)

                new = _replace(name, empty)
                yield Error(MEANINGLESS, store, name, lambda v=value, n=new: _each(v, n), frozenset({name}))


def planted(inputs: dict, units: set[str]) -> Iterator[Error]:
    """Every error of every kind in the stores among some inputs, save those that change nothing.

    Args:
        inputs: of claims, by name: stores and lists of stores; others are left alone.
        units: names of dimensions along which independent units lie (seeds, teachers, clips).
    """
    for store, value in _stores(inputs):
        everything = [*_of_numbers(store, value), *_of_labels(store, value), *_of_units(store, value, units)]
        if isinstance(value, list) and len(value) > 1:
            names = frozenset(name for item in value for name in item.data_vars)
            exchanged = [_renamed(value[0], value[1]), _renamed(value[1], value[0]), *value[2:]]
            everything.append(Error("two stores exchanged", store, "first and second", lambda e=exchanged: e, names))
        yield from (error for error in everything if not _same(value, error.value()))
