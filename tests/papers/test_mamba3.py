"""Stages of mamba3, called as functions at tiny size."""

import json

import numpy as np
import pytest
import xarray as xr

MODEL = {"width": 16, "layers": 1, "head_dim": 8, "root_seed": 0, "device": "cpu"}
TRAINING = {"steps": 3, "batch": 4, "learning_rate": 0.003, "warmup": 2}
TRACKING = {
    **MODEL, **TRAINING, "hidden": 16, "d_state": 4, "dt_range": [0.1, 1.0], "longest": 9, "lengths": [9, 17],
    "first": 4, "growth": 0.4, "sequences": 32,
}  # fmt: skip
LM = {
    **MODEL, **TRAINING, "inits": {"wide": [0.01, 0.5]}, "init": "wide", "tokens": 16, "hidden": 32, "windows": 20,
    "chunk": 8,
}  # fmt: skip
RECALL = {
    **MODEL, **TRAINING, "n_keys": 8, "first_pairs": 2, "pairs": 4, "growth": 0.5, "asked": [4, 8], "sequences": 32,
    "hidden": 16, "inits": {"wide": [0.01, 0.5]}, "init": "wide",
}  # fmt: skip


def test_orders_of_the_step(load):
    run = load("mamba3/solve_order")(lambdas=[0.5, 1.0], steps=[64, 128, 256])
    np.testing.assert_allclose(run.order.sel(lam=0.5).values[[0, 2]], 2, atol=0.05)
    np.testing.assert_allclose(run.order.sel(lam=1.0).values, 1, atol=0.05)


@pytest.mark.parametrize("task", ["parity", "cyclic_sum", "arithmetic", "brackets"])
def test_a_seed_trains_alike_alone_and_in_company(load, task):
    stage = load("mamba3/train_state_tracking")
    both = stage(**TRACKING, task=task, variant="mamba3", seeds=[0, 1])
    alone = stage(**TRACKING, task=task, variant="mamba3", seeds=[1])
    np.testing.assert_allclose(both.loss.sel(seed=1), alone.loss.sel(seed=1), rtol=1e-4)
    assert both.turn.dims == ("seed", "token", "head", "pair")
    assert float(both.scaled_accuracy.max()) <= 1


def test_language_models_start_near_the_uniform_loss_and_are_matched(load):
    stage = load("mamba3/train_lm")
    runs = {arch: stage(**LM, arch=arch, state=8, seeds=[0, 1]) for arch in ("mamba3", "mimo", "softmax")}
    for run in runs.values():
        assert abs(run.parameters / runs["mamba3"].parameters - 1) < 0.1
        assert 3 < float(run.loss[:, 0].min()) < 7
        assert run.corpus_sha256 == runs["mamba3"].corpus_sha256
    assert runs["mimo"].state_bytes == runs["mamba3"].state_bytes == 2 * 16 * 8 * 4


def test_recall_is_measured_between_chance_and_one(load):
    run = load("mamba3/train_mqar")(**RECALL, arch="mamba3", state=4, seeds=[0, 1])
    assert run.accuracy.shape == (2, 2)
    assert 0 <= float(run.accuracy.min()) <= float(run.accuracy.max()) <= 1


def test_the_large_model_reads_shards_and_answers_items(load, tmp_path):
    np.save(tmp_path / "0.npy", np.tile(np.arange(50, dtype=np.uint16), 40))
    items = [{"context": [1, 2], "choices": [[3], [9]], "answer": 0}] * 2
    (tmp_path / "items.json").write_text(json.dumps({"toy": items}))
    run = load("mamba3/train_downstream")(
        tmp_path, tmp_path / "items.json", **MODEL, arch="mimo", hidden=32, d_state=8, rope_fraction=0.5,
        dt_range=[0.001, 0.1], vocabulary=50, steps=3, tokens=16, batch=4, micro_batch=2, learning_rate=0.001, warmup=1,
        windows=3,
    )  # fmt: skip
    assert run.accuracy.sel(set="toy") in (0, 1)
    assert run.loss.shape == (3,)


def test_measured_times_are_marked(load):
    run = load("mamba3/time_operators")(
        heads=2, head_dim=8, states=[8], ranks=[1, 4], batches=[1], tokens=[16, 32], repeats=1, device="cpu"
    )
    assert run.attrs["timing"]
    assert float(run.decode_ms.min()) > 0
    assert float(run.intensity.sel(rank=4).min()) > 1.5 * float(run.intensity.sel(rank=1).min())


def test_figures_of_times_mark_tables_of_other_machines(load):
    from lib.bench.mamba3 import MAMBA3
    from lib.bench.operators import measure

    times = load("mamba3/time_operators")(
        heads=2, head_dim=8, states=[16], ranks=[1, 4], batches=[1], tokens=[16, 32], repeats=1, device="cpu"
    )
    cases = [(name, "forward", (1, 2, t, 8)) for name in ("chunked", "sdpa") for t in (16, 32)]
    cases += [(name, "decode", (batch, 2, 1, 8)) for name in ("chunked", "rank_4") for batch in (1, 2)]
    table = measure(MAMBA3, cases, device="cpu", block=16, repeats=2)
    for figure, own in (("prefill", 1), ("decode", 2)):
        drawn = load(f"mamba3/figure_{figure}", "figure")(times, [table])
        titles = [axis.get_title() for axis in drawn.axes]
        assert [title.startswith("kept with the project") for title in titles] == [False] * own + [True]
        assert "one thread" in titles[-1]
        assert all(len(axis.lines) >= 2 for axis in drawn.axes)
        assert len(load(f"mamba3/figure_{figure}", "figure")(times, []).axes) == own


def _language(arch: str, state: int, losses: list, init: str = "wide"):
    return xr.Dataset(
        {"validation": ("seed", np.array(losses))}, coords={"seed": range(len(losses))},
        attrs={"arch": arch, "state": state, "init": init},
    )  # fmt: skip


def test_a_mamba2_point_below_and_left_is_counted_as_dominating(load):
    measure = load("mamba3/claims", "_language")
    runs = [_language("mamba3", n, [loss] * 3) for n, loss in ((8, 1.7), (16, 1.6), (32, 1.5))]
    worse = [_language("mamba2", n, [loss] * 3) for n, loss in ((8, 1.8), (16, 1.7), (32, 1.6))]
    assert measure(runs + worse)["m13"]["quantities"]["dominated_pairs"]["value"] == 0
    better = [_language("mamba2", n, [loss] * 3) for n, loss in ((8, 1.65), (16, 1.7), (32, 1.6))]
    assert measure(runs + better)["m13"]["quantities"]["dominated_pairs"]["value"] == 1
    difference = measure(runs + worse)["m7"]["quantities"]["difference"]["value"]
    assert difference == pytest.approx(0.0)
    both = measure([*runs, *worse, _language("mamba2", 32, [1.5] * 3, "default")])
    assert both["m7"]["quantities"]["difference"]["value"] == pytest.approx(0.1)


def test_the_angle_error_is_the_distance_of_a_ones_rotation_from_pi(load):
    error = load("mamba3/figure_length", "angle_error")
    turn = np.zeros((2, 3, 1, 2))
    turn[0, 1], turn[0, 0] = [[2.0, np.pi + 0.25]], [[0.0, 0.05]]
    turn[1, 1] = [[3 * np.pi - 0.1, 1.0]]
    run = xr.Dataset({"turn": (("seed", "token", "head", "pair"), turn)}, coords={"seed": [0, 1]})
    np.testing.assert_allclose(error(run), [0.2, 0.1])
