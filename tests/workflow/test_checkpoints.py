"""A long stage killed in mid-run goes on from its checkpoint and writes the store of an undisturbed run."""

import os
import re
import signal
import time

import pytest

from lib.atlas.job.stage import checkpoint_path
from tests.conftest import wait_for

pytestmark = pytest.mark.workflow

SCRIPT = '''
"""A walk of many steps that saves its state."""

import os
import time

import numpy as np
import xarray as xr

from lib.training.state import pack_generator, unpack_generator


def walk(*, draws: int, seed: int, rng, checkpoint) -> xr.Dataset:
    """Return `x: (step,)`; while a file `slow` is there, it never gets beyond step 50."""
    checkpoint.every = 0.0
    state = checkpoint.load() or {"step": 0, "x": np.zeros(draws), "rng": pack_generator(rng)}
    x, rng = state["x"], unpack_generator(state["rng"])
    print("starts at", int(state["step"]))
    for step in range(int(state["step"]), draws):
        x[step] = x[step - 1] + rng.standard_normal()
        if step % 10 == 0:
            checkpoint.save_if_due(lambda: {"step": step + 1, "x": x, "rng": pack_generator(rng)})
        while step >= 50 and os.path.exists("slow"):
            time.sleep(0.05)
    return xr.Dataset({"x": ("step", x)})


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(walk, snakemake)
'''

RULE = '''

use rule stage as toy_walk with:
    """A long stage."""
    output:
        store=paper.store("walk_{seed}"),
    log:
        paper.log("walk_{seed}"),
    benchmark:
        paper.benchmark("walk_{seed}")
    params:
        **paper.params("draw", "draws"),
        root_seed=paper.root_seed,
        **paper.script("walk"),
'''
STORE = "results/smoke/toy/walk_0.zarr.zip"


def _started_at(log) -> int:
    return int(re.search(r"starts at (\d+)", log.read_text()).group(1))


def test_a_killed_stage_goes_on_unless_its_parameters_or_code_changed(toy):
    (toy.root / "workflow/scripts/toy/walk.py").write_text(SCRIPT)
    rules = toy.root / "workflow/rules/toy.smk"
    rules.write_text(rules.read_text() + RULE)
    toy.snakemake(STORE)
    path, left = toy.root / STORE, checkpoint_path(toy.root / STORE)
    undisturbed = path.read_bytes()
    path.unlink()
    (toy.root / "slow").touch()
    run = toy.start(STORE)
    log = toy.root / "results/smoke/toy/logs/walk_0.log"
    wait_for(left.exists)
    time.sleep(0.5)  # at step 50 the stage waits
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not path.exists()
    assert _started_at(log) == 0
    state = left.read_bytes()
    (toy.root / "slow").unlink()
    toy.snakemake("--unlock")
    toy.snakemake(STORE)
    assert _started_at(log) > 0
    assert path.read_bytes() == undisturbed
    assert not left.exists()
    for file, old, new in (
        ("config/papers/toy.yaml", "draws: 200,", "draws: 201,"),
        ("workflow/scripts/toy/walk.py", "+ rng", "+ 2 * rng"),
    ):
        left.write_bytes(state)
        toy.edit(file, old, new)
        toy.snakemake(STORE)
        assert _started_at(log) == 0
        assert "not used" in log.read_text()
        assert not left.exists()
