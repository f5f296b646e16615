"""The harness in small: two kills of the toy paper, some flips, and some malformed configurations."""

import collections
import os
import signal

import pytest

from tests.conftest import wait_for
from tests.faults import damage, kills, mistakes

pytestmark = pytest.mark.workflow


def test_kills_at_random_moments_lose_nothing(toy, tmp_path):
    from tests.conftest import _copy

    whole = _copy(tmp_path / "whole", papers=False)
    whole.snakemake()
    done, complete = kills.chain(toy, 2, seed=5, longest=3)
    assert len(done) == 2
    assert complete >= 1
    assert [kill.broken for kill in done] == [[], []]
    total, different = kills.differences(toy, whole.root / "results/smoke")
    assert total == 7
    assert different == []
    assert kills.leftovers(toy.root) == []


def test_the_lock_of_a_living_run_is_left_alone(toy):
    (toy.root / "wait").touch()
    run = toy.start()
    logs = toy.root / "results/smoke/toy/logs"
    wait_for(lambda: logs.is_dir() and any(logs.iterdir()))
    os.kill(run.pid, signal.SIGKILL)  # the workflow's process alone: its jobs live on, and hold the lock
    run.wait()
    second = toy.snakemake(check=False)
    assert second.returncode != 0
    assert "cannot be locked" in second.stderr
    assert kills.FREED not in second.stderr
    (toy.root / "wait").unlink()
    from lib.atlas import alive

    wait_for(lambda: alive.nobody(toy.root / ".snakemake"))
    third = toy.snakemake()
    assert kills.FREED in third.stderr
    assert toy.planned() == set()


def test_flips_in_every_part_of_a_store(toy, tmp_path):
    toy.snakemake("results/smoke/toy/means.zarr.zip")
    stores = sorted((toy.root / "results").rglob("*.zarr.zip"))
    counts = damage.flips(stores, 100, 1, tmp_path)
    assert {part for part, _ in counts} == set(damage.PARTS)
    outcomes = collections.Counter()
    for (_, outcome), count in counts.items():
        outcomes[outcome] += count
    assert set(outcomes) <= {"refused", "values and attributes unaffected"}
    assert outcomes["refused"] > 50
    assert set(damage.cuts(stores, 20, 1, tmp_path)) == {"refused"}


def test_malformed_configurations_are_one_line(toy):
    every = mistakes.everything(toy.root)
    assert len(every) > 500
    faults = []
    for mistake in mistakes.sample(every, 150, 2):
        fault = mistakes.fault_of(mistakes.said_by_loader(mistake, toy.root), mistake)
        if fault:
            faults.append((mistake.kind, mistake.file, mistake.key, fault))
    assert faults == []


@pytest.mark.parametrize("kind", ["bad UTF-8", "path traversal"])
def test_malformed_configurations_stop_the_command(toy, kind):
    mistake = next(m for m in mistakes.everything(toy.root) if m.kind == kind and m.file == mistakes.MAIN)
    _, fault = mistakes.said_by_command(mistake, toy)
    assert fault == ""
