"""Gradient descent on quadratic networks: gradient, convergence, recovery from a step that is too long."""

import numpy as np
import pytest
import torch

from lib.training import quadratic as gd


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    d, m, n, batch = 8, 4, 15, 3
    x = rng.standard_normal((n, d))
    teacher = rng.standard_normal((m, d))
    y = np.sum((x @ teacher.T) ** 2, axis=1) / d / np.sqrt(m)
    return x, y, rng.standard_normal((batch, m, d)), teacher


def test_gradient_is_that_of_autograd(problem):
    x, y, start, _ = problem
    x, y, w = torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(start).requires_grad_()
    f = ((x @ w.transpose(1, 2)) ** 2).sum(-1) / x.shape[1] / w.shape[1] ** 0.5
    (0.25 * ((f - y) ** 2).sum()).backward()
    products, i, j = gd.monomials(x)
    r = gd.residuals(w.detach(), y, products, i, j)
    torch.testing.assert_close(r, (f.detach() - y).T)
    torch.testing.assert_close(gd.gradient(w.detach(), r, products, i, j), w.grad)


def test_converges_to_zero_loss(problem):
    x, y, start, _ = problem
    run = gd.batched_quadratic_gd(x, y, start, learning_rate=0.05, steps=20000)
    assert np.all(run.losses < 1e-7)
    f = np.sum((x @ run.weights.transpose(0, 2, 1)) ** 2, axis=-1) / 8 / 2
    np.testing.assert_allclose(np.mean((f - y) ** 2, axis=1), run.losses, rtol=1e-6)


def test_a_step_that_is_too_long_is_halved_and_recovers(problem):
    x, y, start, _ = problem
    run = gd.batched_quadratic_gd(x, y, start, learning_rate=3.0, steps=20000)
    assert run.learning_rate < 3.0
    assert np.all(np.isfinite(run.weights))
    products, i, j = gd.monomials(torch.from_numpy(x))
    at_start = gd.residuals(torch.from_numpy(start), torch.from_numpy(y), products, i, j)
    assert np.all(run.losses < (at_start**2).mean(0).numpy())


def test_the_teacher_is_a_fixed_point_and_decay_shrinks_it(problem):
    x, y, start, teacher = problem
    rest = gd.batched_quadratic_gd(x, y, teacher[None], learning_rate=0.01, steps=100, stop_at=0.0)
    np.testing.assert_allclose(rest.weights[0], teacher, atol=1e-10)
    free, decayed = (
        gd.batched_quadratic_gd(x, y, start, learning_rate=0.01, steps=500, stop_at=0.0, weight_decay=decay)
        for decay in (0.0, 0.1)
    )
    assert np.sum(decayed.weights**2) < 0.9 * np.sum(free.weights**2)


def test_runs_are_independent(problem):
    x, y, start, _ = problem
    together = gd.batched_quadratic_gd(x, y, start, learning_rate=0.02, steps=100)
    alone = gd.batched_quadratic_gd(x, y, start[1:2], learning_rate=0.02, steps=100)
    np.testing.assert_allclose(together.weights[1], alone.weights[0], rtol=1e-9)


def test_a_run_ends_at_its_own_residual_whatever_runs_beside_it(problem):
    x, y, start, _ = problem
    options = {"learning_rate": 0.1, "stop_at": 1e-3}
    run = gd.batched_quadratic_gd(x, y, start, steps=3000, **options)
    assert len(set(run.steps)) == len(start)  # they end apart
    for b, weights in enumerate(run.weights):
        alone = gd.batched_quadratic_gd(x, y, start[b : b + 1], steps=3000, **options)
        assert alone.steps[0] == run.steps[b]
        np.testing.assert_allclose(alone.weights[0], weights, rtol=1e-9)
        shorter = gd.batched_quadratic_gd(x, y, start[b : b + 1], steps=run.steps[b] - 50, **options)
        assert shorter.losses[0] >= options["stop_at"] > alone.losses[0]


def test_single_precision_ends_at_the_same_matrices(problem):
    x, y, start, _ = problem
    options = {"learning_rate": 0.1, "steps": 3000, "stop_at": 1e-5}
    double = gd.batched_quadratic_gd(x, y, start, **options)
    single = gd.batched_quadratic_gd(x, y, start.astype(np.float32), **options)
    assert single.weights.dtype == np.float32
    matrices = [np.einsum("bki,bkj->bij", w, w) for w in (single.weights.astype(float), double.weights)]
    np.testing.assert_allclose(*matrices, atol=1e-3)


def test_single_precision_rests_at_a_teacher(problem):
    """Rounding errors of the residuals double now and then; they are no reason to halve the learning rate."""
    x, y, _, teacher = problem
    rest = gd.batched_quadratic_gd(x, y, teacher[None].astype(np.float32), learning_rate=0.01, steps=500, stop_at=0.0)
    assert rest.learning_rate == 0.01
    np.testing.assert_allclose(rest.weights[0], teacher, atol=1e-5)


def test_runs_of_several_decays_train_together(problem):
    """Also when those without decay end first."""
    x, y, start, _ = problem
    decays, options = [0.2, 0.0, 0.2], {"learning_rate": 0.1, "steps": 2000, "stop_at": 1e-3}
    together = gd.batched_quadratic_gd(x, y, start, weight_decay=np.array(decays), **options)
    assert together.steps[1] < together.steps[0] == together.steps[2] == 2000
    for b, decay in enumerate(decays):
        alone = gd.batched_quadratic_gd(x, y, start[b : b + 1], weight_decay=decay, **options)
        np.testing.assert_allclose(together.weights[b], alone.weights[0], rtol=1e-9)


def test_bad_shapes_are_named(problem):
    x, y, start, _ = problem
    with pytest.raises(ValueError, match="expected"):
        gd.batched_quadratic_gd(x, y[:-1], start, learning_rate=0.1, steps=1)
