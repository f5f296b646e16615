import numpy as np
import pytest
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.linear_model import lasso_path as sklearn_path

from lib.regression.comparison import (
    FIXED,
    LEVELS,
    METHODS,
    PATHS,
    SPAN,
    TUNED,
    best_error,
    errors_of,
    method_error,
    tuned_fits,
)
from lib.regression.homotopy import lasso_levels
from lib.regression.ill_conditioned import draw_problem
from lib.regression.preconditioner import precondition
from lib.regression.random_support import noise_level, validation_errors

PARTS = ("design", "support", "signal", "noise")
CHOSEN = np.array([1, 5, 8, 20])


@pytest.fixture
def problem():
    return draw_problem("iid", 50, 40, 10.0, 2, 0.5, lambda part: np.random.default_rng([len(part), 3]))


def error(method, problem):
    return method_error(method, problem, CHOSEN, 0.5, np.random.default_rng(0))


def test_every_method_has_an_error_and_none_tuned_is_worse_than_trivial(problem):
    errors = {method: error(method, problem) for method in METHODS}
    assert all(0 < value < 2 for value in errors.values())
    trivial = min(np.mean(problem.signal**2), np.mean((problem.y - problem.signal) ** 2))
    assert max(errors[method] for method in TUNED) <= trivial
    with pytest.raises(ValueError, match="method"):
        tuned_fits("other", problem, CHOSEN, 0.1)


def test_the_lasso_at_its_best_level_is_that_of_coordinate_descent(problem):
    levels = lasso_levels(problem.x, problem.y, LEVELS, SPAN)[:40]
    _, coefficients, _ = sklearn_path(problem.x, problem.y, alphas=levels, tol=1e-10, max_iter=100_000)
    peer = np.mean((problem.x @ coefficients - problem.signal[:, None]) ** 2, axis=0).min()
    assert error("lasso", problem) == pytest.approx(peer, rel=1e-5)


def test_ours_at_a_fixed_level_is_a_lasso_with_free_columns(problem):
    # the same programme without projection: free columns are penalised a millionth
    pre = precondition(problem.x, CHOSEN)
    scales = np.sqrt(50) / np.where(pre.distances > 0, pre.distances, 1e-6 * np.sqrt(50))
    level = noise_level(0.5, 50, 40, FIXED["ours"])
    peer = Lasso(alpha=level, fit_intercept=False, tol=1e-8, max_iter=500_000).fit(problem.x * scales, problem.y)
    assert error("ours", problem) == pytest.approx(
        errors_of(peer.predict(problem.x * scales), problem.signal), rel=1e-3
    )


def test_the_span_alone_is_least_squares_on_its_columns(problem):
    few = problem.x[:, CHOSEN]
    fit = LinearRegression(fit_intercept=False).fit(few, problem.y).predict(few)
    np.testing.assert_allclose(tuned_fits("span_only", problem, CHOSEN, 0.1)[0], fit, atol=1e-12)


def test_validation_of_the_lasso_is_that_of_scikit_learn(problem):
    folds = np.array_split(np.arange(50), 5)
    levels = np.array([0.3, 0.1])
    total = np.zeros(2)
    for fold in folds:
        rest = np.setdiff1d(np.arange(50), fold)
        scales = np.sqrt(np.mean(problem.x[rest] ** 2, axis=0))
        for k, level in enumerate(levels):
            model = Lasso(alpha=level, fit_intercept=False, tol=1e-12).fit(problem.x[rest] / scales, problem.y[rest])
            total[k] += np.sum((problem.y[fold] - model.predict(problem.x[fold] / scales)) ** 2)
    np.testing.assert_allclose(validation_errors(problem.x, problem.y, [], levels, folds), total / 50, rtol=1e-6)


def test_levels_that_a_fold_does_not_reach_are_infinite(problem):
    folds = np.array_split(np.arange(50), 5)
    errors = validation_errors(problem.x, problem.y, [], np.array([0.3, 1e-3]), folds, until=0.5)
    assert np.isfinite(errors[0])
    assert np.isinf(errors[1])


@pytest.mark.parametrize("design", ["iid", "factor", "pairs"])
def test_paths_that_end_early_lose_nothing(design):
    for seed in range(3):
        problem = draw_problem(
            design, 50, 40, 1e4, 2, 1.0, lambda part, seed=seed: np.random.default_rng([len(part), seed])
        )
        for method in PATHS:
            fits = tuned_fits(method, problem, CHOSEN, 1e-6)
            whole = min(errors_of(fits, problem.signal).min(), 1.0, np.mean((problem.y - problem.signal) ** 2))
            assert best_error(method, problem, CHOSEN) == pytest.approx(whole, abs=1e-12)


def test_a_fit_that_is_no_minimiser_stops_the_comparison(problem, monkeypatch):
    monkeypatch.setattr("lib.regression.comparison.LARGEST_GAP", -1.0)
    with pytest.raises(RuntimeError, match="duality gap"):
        best_error("lasso", problem, CHOSEN)
