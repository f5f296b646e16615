import numpy as np
import pytest
from scipy import optimize

from lib.regression.ill_conditioned import (
    DESIGNS,
    cancelling_signal,
    draw_columns,
    factor_rows,
    factor_scales,
    random_support,
    sign_signal,
    unit_columns,
)
from lib.regression.preconditioner import precondition, random_column_preconditioner
from lib.regression.random_support import (
    coefficients_of,
    error_bound,
    fit_preconditioned,
    levels_outside,
    noise_level,
    outside,
    path_outside,
)


def problem(design="factor", rows=60, dim=80, spread=1e6, sparsity=3, noise=1.0, seed=0):
    streams = [np.random.default_rng([seed, part]) for part in range(4)]
    x = unit_columns(draw_columns(design, rows, dim, spread, streams[0]))[0]
    support = random_support(dim, sparsity, streams[1])
    weights, signal = cancelling_signal(x, support, streams[2])
    return x, support, weights, signal, signal + noise * streams[3].standard_normal(rows)


@pytest.mark.parametrize("design", DESIGNS)
def test_signals_have_power_one_and_are_those_of_their_coefficients(design):
    x, support, weights, signal, _ = problem(design, dim=40)
    np.testing.assert_allclose(np.linalg.norm(x, axis=0), np.sqrt(60))
    assert np.mean(signal**2) == pytest.approx(1)
    np.testing.assert_allclose(x[:, support] @ weights, signal, atol=1e-9 + 1e-14 * np.abs(weights).max())
    _, plain = sign_signal(x, support, np.random.default_rng(1))
    assert np.mean(plain**2) == pytest.approx(1)


def test_cancelling_coefficients_are_as_large_as_the_condition():
    weights = problem("pairs", dim=2, sparsity=2)[2]
    assert np.abs(weights).max() > 1e5


def test_factor_scales_fill_all_orders_and_rows_have_their_covariance():
    scales = factor_scales(20_000, 1e4, np.random.default_rng(0))
    assert np.histogram(np.log10(scales), np.arange(-4, 1))[0] == pytest.approx(5000, rel=0.06)
    rows = factor_rows(200_000, np.array([1.0, 0.1]), np.random.default_rng(1))
    np.testing.assert_allclose(rows.T @ rows / 200_000, [[2, 1], [1, 1.01]], atol=0.02)


def test_the_estimate_minimises_its_programme():
    x, _, _, _, y = problem("iid", rows=20, dim=12)
    pre = precondition(x, [0, 5])
    weights, fit = fit_preconditioned(x, y, pre, 0.2)
    np.testing.assert_allclose(x @ weights, fit, atol=1e-10)

    def objective(parts):  # w split in a positive and a negative part
        w = parts[:12] - parts[12:]
        return np.sum((y - x @ w) ** 2) / 40 + 0.2 * pre.distances @ (parts[:12] + parts[12:]) / np.sqrt(20)

    start = np.concatenate([np.maximum(weights, 0), np.maximum(-weights, 0)])
    result = optimize.minimize(
        objective, start + 0.1, bounds=[(0, None)] * 24, options={"maxiter": 20000, "maxfun": 10**6, "ftol": 1e-14}
    )
    assert objective(start) <= result.fun + 1e-6


def test_columns_of_other_lengths_do_not_change_the_fit():
    x, _, _, _, y = problem()
    fit = fit_preconditioned(x, y, precondition(x, [1, 2, 3]), 0.3)[1]
    scales = 10.0 ** np.random.default_rng(0).uniform(-3, 3, 80)
    np.testing.assert_allclose(
        fit_preconditioned(x * scales, y, precondition(x * scales, [1, 2, 3]), 0.3)[1], fit, atol=1e-7
    )


@pytest.mark.parametrize("design", ["factor", "pairs", "cauchy"])
def test_coefficients_reproduce_the_fit_of_ill_conditioned_designs(design):
    x, _, _, _, y = problem(design)
    pre = random_column_preconditioner(x, 15, np.random.default_rng(1))
    weights, fit = fit_preconditioned(x, y, pre, 0.3)
    np.testing.assert_allclose(x @ weights, fit, atol=1e-9 + 1e-14 * np.abs(weights).max())


def test_many_right_hand_sides_share_the_design():
    x, _, _, _, y = problem()
    pre = random_column_preconditioner(x, 10, np.random.default_rng(2))
    weights, fits = fit_preconditioned(x, np.column_stack([y, -y, y[::-1]]), pre, 0.3)
    assert weights.shape == (80, 3)
    np.testing.assert_allclose(fits[:, 1], -fits[:, 0])
    np.testing.assert_allclose(fits[:, 2], fit_preconditioned(x, y[::-1], pre, 0.3)[1], atol=1e-12)


def test_without_noise_and_penalty_the_signal_is_fitted():
    x, _, _, signal, _ = problem("pairs", noise=1e-9)
    rest = outside(x, random_column_preconditioner(x, 10, np.random.default_rng(3)).basis)
    path = path_outside(rest, signal, levels_outside(rest, signal, 10, 1e-4))
    assert np.nanmin(np.mean((path.fits - signal) ** 2, axis=1)) < 1e-4


def test_the_bound_covers_the_error():
    level = noise_level(1.0, 60, 80, 1.3)
    bound, failure = error_bound(1.0, 60, 80, 3, 12, 1.0, level)
    assert 0 < failure < 1
    errors = []
    for seed in range(40):
        x, _, _, signal, y = problem(seed=seed)
        pre = random_column_preconditioner(x, 12, np.random.default_rng([seed, 9]))
        errors.append(np.mean((fit_preconditioned(x, y, pre, level)[1] - signal) ** 2))
    assert np.mean(np.array(errors) > bound) <= failure


def test_a_design_inside_its_span_is_fitted_by_projection():
    x = np.outer(np.random.default_rng(0).standard_normal(10), np.ones(5))
    rest = outside(x, precondition(x, [0]).basis)
    path = path_outside(rest, x[:, 0] * 3, [1.0])
    np.testing.assert_allclose(path.fits[0], 3 * x[:, 0])
    np.testing.assert_allclose(x @ coefficients_of(x, rest, [0], path.coefficients[0], path.fits[0]), 3 * x[:, 0])


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    for arguments, name in (
        (("other", 3, 4, 1.0), "design"),
        (("iid", 0, 4, 1.0), "rows"),
        (("pairs", 3, 5, 1.0), "dim"),
        (("factor", 3, 4, 0.5), "spread"),
    ):
        with pytest.raises(ValueError, match=name):
            draw_columns(*arguments, rng)
    with pytest.raises(ValueError, match="finite"):
        unit_columns(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="sparsity: got 5"):
        random_support(4, 5, rng)
    with pytest.raises(ValueError, match="support"):
        cancelling_signal(np.zeros((3, 3)), np.array([0]), rng)
    with pytest.raises(ValueError, match="noise"):
        noise_level(0.0, 10, 10)
