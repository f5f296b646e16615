"""Stages of lightning_attention, called as functions at tiny size."""

import numpy as np
import pytest

LANGUAGE = {
    "sizes": {"base": {"width": 16, "layers": 2, "heads": 2}}, "seeds": {"base": [0, 1]}, "block": 16, "tokens": 32,
    "batch": 2, "steps": 8, "learning_rate": 0.01, "warmup": 2, "weight_decay": 0.01, "clip": 1.0,
    "validation_windows": 4, "vocabulary": 0, "root_seed": 0, "device": "cpu",
}  # fmt: skip


def test_both_forms_learn_alike_and_all_see_the_same_text(load, tmp_path):
    stage = load("lightning_attention/train_models")
    runs = {name: stage(architecture=name, **LANGUAGE) for name in ("tnl_chunked", "tnl_quadratic", "softmax")}
    np.testing.assert_allclose(runs["tnl_chunked"].loss, runs["tnl_quadratic"].loss, atol=1e-4)
    assert float(runs["tnl_chunked"].loss[:, -1].max()) < float(runs["tnl_chunked"].loss[:, 0].min())
    assert runs["softmax"].loss.shape == (2, 8)
    assert int(runs["softmax"].parameters[0]) == pytest.approx(int(runs["tnl_chunked"].parameters[0]), rel=0.1)
    alone = stage(architecture="softmax", **{**LANGUAGE, "seeds": {"base": [1]}})
    np.testing.assert_allclose(alone.loss[0], runs["softmax"].loss[1], rtol=1e-4)
    np.save(tmp_path / "a.npy", np.arange(400, dtype=np.uint16) % 11)
    shards = stage(architecture="tnl_chunked", shards=tmp_path, **{**LANGUAGE, "vocabulary": 11})
    assert shards.attrs["vocabulary"] == 11


def test_equivalence_errors_are_those_of_rounding(load):
    run = load("lightning_attention/check_equivalence")(
        cases=4, longest=20, widths=[4, 8, 12], blocks=[8], triton_cases=1, triton_longest=20, triton_widest=16,
        rng=np.random.default_rng(0), device="cpu",
    )  # fmt: skip
    assert float(run.error.sel(form="torch float64").max()) < 1e-12
    assert 1e-9 < float(run.error.sel(form="torch float32").max()) < 1e-5
    assert np.isfinite(run.error.sel(form="triton float32")).all("tensor").sum() == 1
    assert bool(run.gradcheck)


def test_memory_is_counted(load):
    run = load("lightning_attention/measure_memory")(
        batch=1, heads=2, width=16, tokens=[64, 128], methods=["chunked", "cumsum"], block=16, peak_shape=[1, 1, 1, 1],
        device="cpu",
    )  # fmt: skip
    # the inputs, the decays and nothing else
    np.testing.assert_array_equal(run.kept.sel(form="chunked"), run.inputs + 8)
    assert (run.kept.sel(form="cumsum") > 5 * run.inputs).all()
    assert np.isnan(run.peak_extra)


def test_models_are_timed(load):
    run = load("lightning_attention/time_models")(
        vocabulary=11, sizes={"base": {"width": 16, "layers": 1, "heads": 2}}, block=16, tokens_per_batch=64,
        lengths=[16, 32], quadratic_longest=16, warmup=0, steps=2, decode_size="base", contexts=[8, 32],
        decode_tokens=3, device="cpu",
    )  # fmt: skip
    assert run.attrs["timing"] is True
    assert np.isnan(run.tokens_per_s.sel(architecture="tnl_quadratic", length=32)).all()
    assert (run.tokens_per_s.sel(architecture="softmax") > 0).all()
    assert len(set(run.state_bytes.sel(decoder="tnl_chunked").values)) == 1
    assert np.diff(run.state_bytes.sel(decoder="softmax").values)[0] == 2 * 4 * 16 * (32 - 8)


def test_speed_figures_mark_tables_of_other_machines(load):
    from lib.bench.operators import LINEAR_ATTENTION, measure

    cases = [(name, "forward", (1, 2, t, 8)) for name in ("chunked", "sdpa") for t in (16, 32, 64)]
    table = measure(LINEAR_ATTENTION, cases, device="cpu", block=16, repeats=2)
    figure = load("lightning_attention/figure_speed")(table, [table], direction="forward")
    titles = [axis.get_title() for axis in figure.axes]
    assert [title.startswith("kept with the project") for title in titles] == [False, True]
    assert all("one thread" in title for title in titles)
