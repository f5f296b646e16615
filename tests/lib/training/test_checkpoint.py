"""Checkpoints: a job killed in mid-run and started again writes the store of an undisturbed one."""

import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from lib.atlas.job import store
from lib.atlas.job.checkpoint import Checkpoint
from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

JOB = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path

    import numpy as np
    import torch
    import xarray as xr

    from lib.atlas.job import store
    from lib.atlas.job.checkpoint import Checkpoint
    from lib.training.state import load_torch, pack_generator, torch_arrays, unpack_generator

    out, die_at = Path(sys.argv[1]), int(sys.argv[2])
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    noise = torch.default_generator
    rng = np.random.default_rng(1)
    losses = np.zeros(40)
    checkpoint = Checkpoint(out.with_name("state.zarr.zip"), {"steps": 40}, every=0.0)
    state = checkpoint.load()
    start = 0
    if state is not None:
        start, losses, rng = int(state["step"]), state["losses"], unpack_generator(state["rng"])
        load_torch(state, model=model, optimiser=optimiser, noise=noise)
    print("start", start)
    for step in range(start, 40):
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * 0.95**step
        x = torch.from_numpy(rng.standard_normal((16, 3)).astype("f4"))
        loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses[step] = loss.item()
        if step % 7 == 3:
            checkpoint.save_if_due(
                lambda: {"step": step + 1, "losses": losses, "rng": pack_generator(rng)}
                | torch_arrays(model=model, optimiser=optimiser, noise=noise)
            )
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
    weights = {f"w{i}": ([f"a{i}_{k}" for k in range(p.ndim)], p.detach().numpy())
               for i, p in enumerate(model.parameters())}
    print("digest", store.write(xr.Dataset({"losses": ("step", losses), **weights}), out))
    checkpoint.remove()
    """
)


def _job(tmp_path, name: str, die_at: int) -> subprocess.CompletedProcess:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", JOB, str(folder / "out.zarr.zip"), str(die_at)],
        capture_output=True,
        text=True,
    )


def test_a_killed_job_goes_on_and_writes_what_an_undisturbed_one_writes(tmp_path):
    whole = _job(tmp_path, "whole", -1)
    assert whole.returncode == 0, whole.stderr
    killed = _job(tmp_path, "killed", 30)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed/out.zarr.zip").exists()
    assert (tmp_path / "killed/state.zarr.zip").exists()
    ended = _job(tmp_path, "killed", -1)
    assert "start 25" in ended.stdout
    assert ended.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    paths = [tmp_path / name / "out.zarr.zip" for name in ("whole", "killed")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert [file.name for file in (tmp_path / "killed").iterdir()] == ["out.zarr.zip"]


def test_a_state_of_another_identity_or_a_damaged_one_is_refused(tmp_path, capsys):
    path = tmp_path / "state.zarr.zip"
    checkpoint = Checkpoint(path, {"rate": 0.1})
    assert checkpoint.load() is None
    state = {"step": 3, "w": np.arange(6.0).reshape(2, 3), "name": "a", "none": np.zeros((0, 2)), "on": True}
    checkpoint.save(state)
    back = Checkpoint(path, {"rate": 0.1}).load()
    assert set(back) == set(state)
    for name, value in state.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].shape == np.shape(value)
    assert Checkpoint(path, {"rate": 0.2}).load() is None
    assert "other parameters" in capsys.readouterr().out
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 3] ^= 8
    path.write_bytes(bytes(contents[: len(contents) - 40]))
    assert checkpoint.load() is None
    assert "not used" in capsys.readouterr().out
    checkpoint.save({"step": 4})
    assert checkpoint.load() == {"step": 4}
    checkpoint.remove()
    assert checkpoint.load() is None
    assert not list(tmp_path.iterdir())


def test_saves_only_when_due_and_asks_for_the_state_only_then(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {}, every=3600.0)
    assert not checkpoint.save_if_due(lambda: pytest.fail("asked for the state"))
    checkpoint.every = 0.0
    assert checkpoint.save_if_due(lambda: {"step": 1})


def test_a_generator_goes_on_where_it_was():
    rng = np.random.default_rng(3)
    rng.integers(5, size=3, dtype=np.uint32)  # leaves half a word behind
    copy = unpack_generator(pack_generator(rng))
    np.testing.assert_array_equal(rng.integers(5, size=9, dtype=np.uint32), copy.integers(5, size=9, dtype=np.uint32))
    np.testing.assert_array_equal(rng.standard_normal(5), copy.standard_normal(5))
    with pytest.raises(ValueError, match="PCG64"):
        pack_generator(np.random.Generator(np.random.MT19937(0)))


@pytest.mark.parametrize("kind", ["SGD", "RAdam"])
def test_torch_objects_come_back_as_they_were(tmp_path, kind):
    def build():
        torch.manual_seed(1)
        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
        options = {"momentum": 0.9} if kind == "SGD" else {}
        return model, getattr(torch.optim, kind)(model.parameters(), lr=0.01, **options)

    def step(model, optimiser):
        optimiser.zero_grad()
        (model(torch.arange(12.0).reshape(3, 4)) - 1).square().mean().backward()
        optimiser.step()

    model, optimiser = build()
    for _ in range(8):
        step(model, optimiser)
    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {})
    checkpoint.save(torch_arrays(m=model, o=optimiser))
    other, its = build()
    load_torch(checkpoint.load(), m=other, o=its)
    step(model, optimiser)
    step(other, its)
    for a, b in zip(model.state_dict().values(), other.state_dict().values()):
        assert torch.equal(a, b)
    with pytest.raises(ValueError, match="under 'x'"):
        load_torch(checkpoint.load(), x=other)


def test_the_file_is_a_store(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {"a": 1})
    checkpoint.save({"w": np.eye(2)})
    np.testing.assert_array_equal(store.read(checkpoint.path)["w"], np.eye(2))
