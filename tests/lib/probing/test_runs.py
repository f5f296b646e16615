"""Tables of runs: rows by encoder and seed, learning rates by validation; encoders and tasks from a store."""

import numpy as np
import pytest
import torch
import xarray as xr

from lib.language.encoders import Encoder
from lib.language.topics import TopicWorld
from lib.probing.pipeline import TaskSizes, keyed_task, stored_encoder
from lib.probing.pretraining import weights
from lib.probing.runs import best_by_validation, run_values, tried_rates


@pytest.fixture
def runs():
    rows = [
        (e, s, n, name, rate, scale)
        for scale in (1.0, 2.0)
        for rate in (0.1, 0.2)
        for name in ("FT", "LP")
        for n in (30, 10)
        for s in (1, 0)
        for e in (1, 0)
        if scale == 1 or (e == 0 and rate == 0.1)
    ]
    columns = dict(zip(("encoder", "seed", "documents", "procedure", "rate", "scale"), map(np.array, zip(*rows))))
    value = 100 * columns["encoder"] + 10 * columns["seed"] + columns["rate"]
    validation = np.where((columns["rate"] == 0.2) & (columns["seed"] == 1), 0.9, 0.8)
    return xr.Dataset(
        {"id": ("run", value), "validation": ("run", validation)},
        coords={name: ("run", column) for name, column in columns.items()} | {"noise": ("run", np.zeros(len(rows)))},
        attrs={"documents": [30, 10]},
    )


def test_rows_are_sorted_by_encoder_and_seed(runs):
    np.testing.assert_allclose(run_values(runs, "FT", "id", rate=0.1), [[0.1, 10.1], [100.1, 110.1]])
    np.testing.assert_allclose(run_values(runs, "FT", "id", rate=0.1, scale=2.0), [[0.1, 10.1]])


def test_runs_that_do_not_exist_are_refused(runs):
    with pytest.raises(ValueError, match="expected equally many, at least 1"):
        run_values(runs, "LoRA", "id")
    with pytest.raises(ValueError, match="expected equally many"):
        run_values(runs.isel(run=slice(1, None)), "FT", "id", documents=30, rate=0.1)


def test_each_run_gets_the_rate_that_its_validation_prefers(runs):
    assert tried_rates(runs, "FT", 30) == [0.1, 0.2]
    np.testing.assert_allclose(best_by_validation(runs, "FT", "rate", 30), [[0.1, 0.2], [0.1, 0.2]])
    unknown = runs.assign(validation=runs.validation.where(runs.rate != 0.1))
    assert np.isnan(best_by_validation(unknown, "FT", "rate", 30)).all()


def test_a_stored_encoder_is_the_one_that_was_trained():
    world = TopicWorld(2, 4, 3, 2, 6)
    torch.manual_seed(0)
    encoder = Encoder(world.vocabulary, 7, 8, 1, 2).eval()
    store = xr.Dataset(
        {"weights": (("encoder", "weight"), weights(encoder)[None])},
        attrs={**world._asdict(), "width": 8, "layers": 1, "heads": 2},
    )
    task = keyed_task(0, store, 0, 1, 5, TaskSizes(4, 3, 2, 0.5))
    x = torch.from_numpy(task.train.tokens)
    torch.testing.assert_close(stored_encoder(store, 0)(x), encoder(x).detach())
    again = keyed_task(0, store, 0, 1, 5, TaskSizes(9, 9, 9, 0.5))
    assert np.array_equal(task.train.tokens, again.train.tokens)
    assert not np.array_equal(task.train.tokens, keyed_task(0, store, 0, 2, 5, TaskSizes(4, 3, 2, 0.5)).train.tokens)
