"""What claims were judged on in the papers' tests: stores made by hand on which they hold, fail, or know nothing."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from lib.atlas.job.claims import REPRODUCED
from tests.conftest import ROOT

REPRODUCES, COUNTERFACTUAL, NOTHING = "reproduced", "not reproduced", "not a number"


@dataclass(frozen=True)
class Judged:
    """A claim of a paper judged on inputs; `entry` is what `lib.atlas.job.claims.judge` said."""

    slug: str
    claim: str
    inputs: dict
    entry: dict

    @property
    def outcome(self) -> str:
        if self.entry["verdict"] == REPRODUCED:
            return REPRODUCES
        return NOTHING if any(map(_is_blank, self.inputs.values())) else COUNTERFACTUAL


def _is_blank(value) -> bool:
    """Whether an input has numbers, and none in any variable."""
    items = value if isinstance(value, list) else [value]
    numbers = [
        v.values for item in items if isinstance(item, xr.Dataset) for v in item.values() if v.dtype.kind in "fiu"
    ]
    return bool(numbers) and all(np.isnan(values).all() for values in numbers)


notes: list[Judged] = []


def collect() -> list[Judged]:
    """Every judgement of the papers' tests, by running those that judge claims.

    Raises:
        RuntimeError: one of these tests fails.
    """
    notes.clear()

    class Choice:
        def pytest_collection_modifyitems(self, config, items):
            items[:] = [item for item in items if "verdict" in item.fixturenames]

    output = io.StringIO()
    with redirect_stdout(output):
        status = pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", str(ROOT / "tests/papers")], [Choice()])
    if status:
        raise RuntimeError(f"tests of papers fail:\n{output.getvalue()[-3000:]}")
    return list(notes)


def counts(judged: list[Judged]) -> dict[str, dict[str, dict[str, int]]]:
    """How often each claim of each paper was reproduced, was not on stores that hold numbers, or on one without any."""
    table: dict[str, dict[str, dict[str, int]]] = {}
    for one in judged:
        row = table.setdefault(one.slug, {}).setdefault(
            one.claim, dict.fromkeys((REPRODUCES, COUNTERFACTUAL, NOTHING), 0)
        )
        row[one.outcome] += 1
    return table
