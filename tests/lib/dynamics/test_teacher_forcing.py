"""Almost-linear networks: the fused forward and backward pass against autograd, training, its checkpoints."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from lib.atlas.job.checkpoint import Checkpoint
from lib.dynamics import almost_linear as al
from lib.dynamics import teacher_forcing as tf
from lib.dynamics.forced_reference import forced_loss


def _model(units, observed, rectified, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    model = al.initialise(units, observed, rectified, rng).astype(dtype)
    return model._replace(
        w=(model.w + 0.2 * rng.standard_normal(model.w.shape)).astype(dtype),
        h=(0.3 * rng.standard_normal(units)).astype(dtype),
    )


@pytest.mark.parametrize(
    ("units", "observed", "rectified", "length", "batch", "interval", "strength"),
    [
        (7, 3, 2, 23, 5, 4, 1.0),
        (9, 3, 3, 21, 16, 4, 1.0),
        (6, 2, 6, 12, 32, 3, 0.3),
        (6, 2, 0, 11, 3, 3, 1.0),
        (5, 2, 5, 9, 4, 2, 1.0),
        (7, 3, 4, 12, 2, 1, 0.15),
        (4, 1, 3, 6, 1, 9, 1.0),
    ],
)
def test_loss_and_gradient_are_those_of_autograd(units, observed, rectified, length, batch, interval, strength):
    model = _model(units, observed, rectified)
    x = np.random.default_rng(1).standard_normal((length + 1, observed, batch))
    leaves = [torch.from_numpy(v.copy()).requires_grad_() for v in model[:4]]
    loss = forced_loss(*leaves, torch.from_numpy(x), rectified=rectified, interval=interval, strength=strength)
    loss.backward()
    value, gradient = tf.forced_gradient(model, x, interval, strength)
    assert value == pytest.approx(loss.item(), rel=1e-12)
    for own, leaf in zip(gradient, leaves):
        np.testing.assert_allclose(own, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_single_precision_gradient():
    model = _model(20, 3, 2, dtype=np.float32)
    model = model._replace(w=0.3 * model.w)
    x = np.random.default_rng(1).standard_normal((101, 3, 16)).astype(np.float32)
    _, single = tf.forced_gradient(model, x, 16)
    _, double = tf.forced_gradient(model.astype(np.float64), x.astype(np.float64), 16)
    for a, b in zip(single, double):
        assert np.abs(a - b).max() <= 1e-4 * np.abs(b).max()


def test_forcing_at_every_step_makes_the_observed_units_start_from_data():
    """With N observed units forced at every step and W that reads only them, predictions are one-step predictions."""
    model = _model(5, 2, 0)
    w = model.w.copy()
    w[:, 2:] = 0
    model = model._replace(w=w)
    x = np.random.default_rng(2).standard_normal((9, 2, 4))
    loss, _ = tf.forced_gradient(model, x, 1)
    predicted = model.a[:2, None] * x[:-1] + model.w[:2, :2] @ x[:-1] + model.h[:2, None]
    assert loss == pytest.approx(np.mean((predicted - x[1:]) ** 2), rel=1e-12)


def test_a_region_is_linear_and_a_run_is_its_steps():
    model = _model(6, 2, 3)
    z = np.random.default_rng(3).standard_normal((50, 6))
    for one, code in zip(z, al.codes(model, z)):
        np.testing.assert_allclose(al.jacobian(model, code) @ one + model.h, al.step(model, one), atol=1e-13)
    assert set(al.codes(model, z)) == set(range(8))
    calm = model._replace(w=0.2 * model.w)
    run = al.generate(calm, z[0], 20)
    for before, after in pairwise(run):
        np.testing.assert_allclose(al.step(calm, before), after, atol=1e-13)
    wild = model._replace(a=np.full(6, 3.0))
    assert 0 < len(al.generate(wild, z[0], 500)) < 500
    np.testing.assert_array_equal(al.lifted(model, z[:, :2])[:, 2:], z[:, :2] @ model.lift.T)
    start = al.lifted(calm, z[0, :2])
    np.testing.assert_array_equal(al.free_run(calm, z[0, :2], 5, 7), al.generate(calm, start, 12)[7:])


def test_a_run_that_is_reset_predicts_from_the_data():
    model = _model(6, 2, 3)
    model = model._replace(w=0.2 * model.w)
    x = np.random.default_rng(4).standard_normal((9, 2))
    run = al.reset_run(model, x, 3)
    z = al.lifted(model, x[0])
    for t in range(1, 9):
        z = al.step(model, z)
        np.testing.assert_allclose(run[t], z[:2])
        if t in (3, 6):
            z[:2] = x[t]
    np.testing.assert_allclose(al.reset_run(model, x, 100), al.free_run(model, x[0], 9)[:, :2])
    assert len(al.reset_run(model._replace(a=np.full(6, 50.0)), x, 3)) < 9
    with pytest.raises(ValueError, match="interval"):
        al.reset_run(model, x, 0)


@pytest.mark.parametrize(
    ("sizes", "named"),
    [((4, 4, 1), "observed"), ((4, 2, 5), "rectified"), ((6, 3, 4), "rectified"), ((6, 3, -1), "rect")],
)
def test_sizes_that_are_no_model_are_refused(sizes, named):
    with pytest.raises(ValueError, match=named):
        al.initialise(*sizes, np.random.default_rng(0))


def test_bad_forcing_is_refused():
    model, x = _model(5, 2, 1), np.zeros((4, 2, 1))
    for interval, strength, series in ((0, 1.0, x), (1, 0.0, x), (1, 1.5, x), (1, 1.0, np.zeros((4, 3, 1)))):
        with pytest.raises(ValueError, match="expected"):
            tf.forced_gradient(model, series, interval, strength)


OPTIONS = {
    "interval": 5,
    "strength": 1.0,
    "batch": 8,
    "length": 20,
    "epochs": 6,
    "batches": 8,
    "first_rate": 0.01,
    "last_rate": 0.001,
    "noise": 0.01,
    "every": 2,
}


def _series():
    t = np.arange(600) * 0.2
    return np.stack([np.sin(t), np.cos(t)], axis=1).astype(np.float32)


def _train(seeds, checkpoint=None, evaluate=None, **options):
    series = _series()
    models = [al.initialise(6, 2, p, np.random.default_rng(10 + s)) for s, p in seeds]
    rngs = [np.random.default_rng(100 + s) for s, _ in seeds]

    def error(model):
        run = al.generate(model, al.lifted(model, series[0]), 50)
        return (float(np.mean((run[:, :2] - series[: len(run)]) ** 2)) if len(run) == 50 else float("nan"), 1.0)

    return tf.train_forced(series, models, rngs, evaluate or error, checkpoint=checkpoint, **{**OPTIONS, **options})


def _equal(a, b):
    for one, other in zip(a.models, b.models):
        for v, w in zip(one[:4], other[:4]):
            np.testing.assert_array_equal(v, w)
    np.testing.assert_array_equal(a.losses, b.losses)
    np.testing.assert_array_equal(a.metrics, b.metrics)
    np.testing.assert_array_equal(a.best, b.best)


def test_an_oscillator_is_learnt_and_the_best_model_returned():
    training = _train([(0, 0), (1, 2)], epochs=40, batches=20)
    assert np.all(training.losses[:, -1] < 0.05 * training.losses[:, 0])
    np.testing.assert_array_equal(training.best, np.argmin(training.metrics[:, :, 0], axis=1))
    assert training.metrics[0, training.best[0], 0] < 0.05


def test_runs_are_independent():
    together, alone = _train([(0, 1), (1, 2), (2, 0)]), _train([(1, 2)])
    np.testing.assert_array_equal(together.losses[1], alone.losses[0])
    np.testing.assert_array_equal(together.models[1].w, alone.models[0].w)


def test_runs_of_one_stream_see_the_same_sequences_and_are_as_if_alone():
    """P = 2 beside P = 0 of its seed, whose sequences it shares, and beside another seed."""
    models = [al.initialise(6, 2, p, np.random.default_rng(11)) for p in (0, 2, 2)]
    alone = _train([(1, 2)])

    def streams():
        return [np.random.default_rng(s) for s in (101, 7)]

    def train(streams_of, rngs):
        return tf.train_forced(_series(), models, rngs, lambda m: (1.0,), streams=streams_of, **OPTIONS)

    shared = train([0, 0, 1], streams())
    np.testing.assert_array_equal(shared.losses[1], alone.losses[0])
    assert np.all(shared.losses[2] != shared.losses[1])
    for wrong in ([0, 0, 0], [0, 1], [0, 1, 2]):
        with pytest.raises(ValueError, match="streams"):
            train(wrong, streams())


def test_levels_of_noise_are_normal():
    levels = tf.normal_levels(0.05).astype(np.float64)
    draws = np.random.default_rng(0).choice(levels, 100_000)
    assert kstest(draws / 0.05, "norm").pvalue > 0.01
    assert levels.std() == pytest.approx(0.05, rel=2e-5)
    assert (levels**4).mean() / levels.var() ** 2 == pytest.approx(3, abs=1e-3)
    assert not tf.normal_levels(0.0).any()


def test_a_run_that_blows_up_stops_and_the_others_go_on():
    alone = _train([(1, 2)])
    series = _series()
    bad = al.initialise(6, 2, 2, np.random.default_rng(0))
    bad = bad._replace(a=np.full(6, 1e8, np.float32))
    good = al.initialise(6, 2, 2, np.random.default_rng(11))
    rngs = [np.random.default_rng(5), np.random.default_rng(101)]
    training = tf.train_forced(series, [bad, good], rngs, lambda m: (float(np.abs(m.w).sum()), 1.0), **OPTIONS)
    assert np.isnan(training.losses[0]).all()
    assert training.best[0] == -1
    np.testing.assert_array_equal(training.losses[1], alone.losses[0])


@pytest.mark.parametrize("dies_at", [1, 4, 7])
def test_interrupted_training_gives_the_same_models(tmp_path, dies_at):
    seeds = [(0, 1), (1, 2)]
    whole = _train(seeds)
    checkpoint = Checkpoint(tmp_path / "state.zarr.zip", {}, every=0.0)
    calls = []

    def dying(model):
        calls.append(1)
        if len(calls) == dies_at:
            raise KeyboardInterrupt
        run = al.generate(model, al.lifted(model, _series()[0]), 50)
        return float(np.mean((run[:, :2] - _series()[:50]) ** 2)), 1.0

    with pytest.raises(KeyboardInterrupt):
        _train(seeds, checkpoint, dying)
    _equal(_train(seeds, checkpoint), whole)


def test_series_and_models_that_do_not_fit_are_refused():
    model, rng = al.initialise(6, 2, 1, np.random.default_rng(0)), np.random.default_rng(0)
    broken = _series()
    broken[3] = np.nan
    for series, models, rngs in ((broken, [model], [rng]), (_series()[:10], [model], [rng]), (_series(), [model], [])):
        with pytest.raises(ValueError, match="expected"):
            tf.train_forced(series, models, rngs, lambda m: (0.0,), **OPTIONS)
