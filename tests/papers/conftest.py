"""Loads the stages and claims of a paper as plain functions."""

import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from lib.atlas.job.checkpoint import Checkpoint
from lib.atlas.job.claims import REPRODUCED, judge, measure
from lib.atlas.workflow.config import load_paper
from tests.papers import judged

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
LOOK = "test_every_central_claim_has_a_counterfactual"


def has_counterfactuals(request):
    """Each central claim was judged on a store made by hand on which it holds, and on one on which it does not."""
    slug = _slug(request.node.path)
    counts = judged.counts(judged.notes).get(slug, {})
    central = [entry["id"] for entry in load_paper(slug, ROOT, "smoke")["claims"] if entry.get("central")]
    assert central
    words = (judged.REPRODUCES, judged.COUNTERFACTUAL)
    missing = [f"{claim}: {word}" for claim in central for word in words if not counts.get(claim, {}).get(word)]
    assert missing == []


def _slug(path: Path) -> str:
    return path.stem.removeprefix("test_")


_judging: Counter = Counter()  # tests of each paper's file that judge claims


def pytest_itemcollected(item: pytest.Item) -> None:
    _judging[item.path] += "verdict" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of a paper end with `has_counterfactuals`, where all that judge its claims are to run."""
    chosen = Counter(item.path for item in items if "verdict" in getattr(item, "fixturenames", ()))
    for path, number in chosen.items():
        if number == _judging[path] and (ROOT / f"config/papers/{_slug(path)}.yaml").exists():
            last = max(place for place, item in enumerate(items) if item.path == path)
            module = items[last].getparent(pytest.Module)
            items.insert(last + 1, pytest.Function.from_parent(module, name=LOOK, callobj=has_counterfactuals))


@pytest.fixture
def load():
    """`load("paper/script", "function")` returns the function of a stage."""

    def one(script: str, function: str | None = None):
        path = SCRIPTS / f"{script}.py"
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, function or path.stem)

    return one


@pytest.fixture
def claim_ids():
    """`claim_ids("paper")` returns the ids of the claims in the paper's file."""
    return lambda slug: [entry["id"] for entry in load_paper(slug, ROOT, "smoke")["claims"]]


@pytest.fixture
def verdict(load):
    """`verdict("paper", "claim", store=...)`: what its rule says at the smallest scale that judges it (or `at`)."""

    def one(slug: str, name: str, *, at: str | None = None, **stores) -> dict:
        (rule,) = [entry for entry in load_paper(slug, ROOT, "smoke")["claims"] if entry["id"] == name]
        scale, function = at or rule["scale"], load(f"{slug}/claims", name)
        measurements = measure({name: function}, [rule], scale, stores, {}, {"rng": np.random.default_rng})
        (entry,) = judge([rule], measurements, scale)
        judged.notes.append(judged.Judged(slug, name, stores, entry))
        return entry

    return one


@pytest.fixture
def passes(verdict):
    """`passes("paper", "claim", store=...)`: whether a claim reproduces at the smallest scale that judges it."""
    return lambda slug, name, **stores: verdict(slug, name, **stores)["verdict"] == REPRODUCED


@pytest.fixture
def blank():
    """`blank(store)` returns a store, or a list of stores, whose numbers are NaN; texts, coordinates and `but` stay."""

    def one(store, but=()):
        if isinstance(store, list):
            return [one(item, but) for item in store]
        numbers = [name for name, values in store.items() if values.dtype.kind in "biuf" and name not in but]
        return store.assign({name: xr.full_like(store[name], np.nan, dtype=float) for name in numbers})

    return one


@pytest.fixture
def parameters():
    """`parameters("paper", "scale")` returns the paper's parameters at a scale, by section."""
    return lambda slug, scale: load_paper(slug, ROOT, scale)["parameters"]


@pytest.fixture
def stopping(tmp_path):
    """`stopping(2, 5)`: a checkpoint that is saved each time it may be and interrupted at its 2nd and 5th save.

    `states` has what was saved.
    """

    class Stopping(Checkpoint):
        def save(self, state):
            super().save(state)
            self.states.append(state)
            if len(self.states) in self.ends:
                raise KeyboardInterrupt

    def one(*ends: int) -> Checkpoint:
        checkpoint = Stopping(tmp_path / "checkpoint.zarr.zip", {}, every=0.0)
        checkpoint.ends, checkpoint.states = ends, []
        return checkpoint

    return one
