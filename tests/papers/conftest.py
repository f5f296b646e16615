"""Loads the stages of a paper as plain functions."""

import importlib.util
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"


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
