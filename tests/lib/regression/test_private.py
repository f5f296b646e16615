"""Private sparse regression: aggregated simulation against every user, thresholds against grids and other libraries."""

import numpy as np
import pytest
from scipy import optimize
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso
from sklearn.linear_model import lasso_path as sklearn_path

from lib.privacy.moments import mean_noise, moment_noise
from lib.regression.byproduct import METHODS, Moments, fit
from lib.regression.designs import (
    DESIGNS,
    binary_label_sums,
    design_covariance,
    draw_design,
    rademacher_sums,
    spread_parameter,
)
from lib.regression.private import (
    Rounds,
    limit_rounds,
    paper_rounds,
    peel,
    private_rounds,
    project_simplex,
    solve_private,
    theory_level,
    user_gradients,
)
from lib.regression.private_estimator import PrivateSparseRegression, read_table
from lib.regression.sparse import (
    best_threshold_error,
    closed_form_sparse,
    hard_threshold,
    iterative_hard_thresholding,
    lasso_path,
    soft_threshold,
)


@pytest.mark.parametrize("design", DESIGNS)
def test_designs_have_their_covariance(design):
    x = draw_design(design, 200_000, 4, np.random.default_rng(0))
    np.testing.assert_allclose(x.T @ x / len(x), design_covariance(design, 4), atol=0.012)
    assert len(draw_design(design, 3, 1, np.random.default_rng(0))) == 3


def test_unknown_designs_are_refused():
    for function in (lambda: design_covariance("a", 2), lambda: draw_design("a", 2, 2, np.random.default_rng(0))):
        with pytest.raises(ValueError, match="design"):
            function()


def test_sums_over_many_rows_have_the_moments_of_drawn_rows():
    theta = spread_parameter(3, 2)
    rng = np.random.default_rng(0)
    n, repeats = 500, 2000
    drawn, summed = [], []
    for _ in range(repeats):
        x = draw_design("rademacher", n, 3, rng)
        y = x @ theta + rng.choice([-0.3, 0.3], n)
        drawn.append(np.concatenate([(x.T @ x / n).ravel(), x.T @ y / n]))
        square, cross = rademacher_sums(n, theta, 0.3, rng)
        summed.append(np.concatenate([square.ravel(), cross]))
    drawn, summed = np.array(drawn), np.array(summed)
    np.testing.assert_allclose(summed.mean(0), drawn.mean(0), atol=0.006)
    np.testing.assert_allclose(summed.std(0), drawn.std(0), atol=0.003)
    with pytest.raises(ValueError, match="16"):
        rademacher_sums(10, np.zeros(17), 0.1, rng)


def test_binary_labels_have_the_regression():
    theta = np.array([0.5, -0.3, 0.0])
    square, cross = binary_label_sums(10**9, theta, np.random.default_rng(0))
    np.testing.assert_allclose(cross, theta, atol=2e-4)
    np.testing.assert_allclose(square, np.eye(3), atol=2e-4)


def test_best_threshold_is_that_of_a_fine_grid():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 7))
    theta = rng.normal(size=(40, 7)) * (rng.random((40, 7)) < 0.4)
    levels = np.linspace(0, np.abs(values).max() + 0.1, 4000)
    grid = np.linalg.norm(soft_threshold(values[None], levels[:, None, None]) - theta, axis=-1).min(0)
    exact = best_threshold_error(values, theta)
    assert np.all(exact <= grid + 1e-12)
    np.testing.assert_allclose(exact, grid, atol=2e-3)
    np.testing.assert_array_equal(best_threshold_error(np.zeros(3), np.array([1.0, 0, 0])), 1)


def test_hard_threshold_keeps_the_largest():
    np.testing.assert_array_equal(hard_threshold([[1.0, -3, 2], [0, 0.5, 0.1]], 2), [[0, -3, 2], [0, 0.5, 0.1]])
    with pytest.raises(ValueError, match="kept"):
        hard_threshold([1.0], 2)


def test_closed_form_is_thresholded_least_squares_for_stacks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 50, 4))
    y = rng.normal(size=(3, 50))
    square, cross = np.einsum("sni,snj->sij", x, x) / 50, np.einsum("sni,sn->si", x, y) / 50
    expected = [soft_threshold(np.linalg.lstsq(x[s], y[s], rcond=None)[0], 0.05) for s in range(3)]
    np.testing.assert_allclose(closed_form_sparse(square, cross, 0.05), expected)


def test_closed_form_of_bad_designs():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="singular"):
        closed_form_sparse(np.zeros((3, 3)), np.zeros(3), 0.1)
    x = rng.choice([-1.0, 1.0], (400, 500))  # fewer rows than columns, identity covariance
    theta = spread_parameter(500, 2)
    square, cross = x.T @ x / 400, x.T @ (x @ theta) / 400
    estimate = closed_form_sparse(square, cross, 0.2, covariance_threshold=0.3)
    assert np.linalg.norm(estimate - theta) < 0.5
    with pytest.raises(ValueError, match="eigenvalue"):
        closed_form_sparse(square, cross, 0.2, covariance_threshold=0.0)
    scales = np.logspace(0, -6, 3)  # condition number 1e12
    theta = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(closed_form_sparse(np.diag(scales**2), scales**2 * theta, 0.0), theta, rtol=1e-9)


def test_lasso_path_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    x = draw_design("gaussian_ar", 300, 20, rng)
    y = x @ spread_parameter(20, 3) + 0.3 * rng.normal(size=300)
    levels = np.geomspace(np.abs(x.T @ y / 300).max(), 1e-3, 12)
    ours = lasso_path(x.T @ x / 300, x.T @ y / 300, levels, tolerance=1e-10)
    np.testing.assert_allclose(ours, sklearn_path(x, y, alphas=levels, tol=1e-10)[1].T, atol=1e-6)
    single = Lasso(alpha=levels[5], fit_intercept=False, tol=1e-10).fit(x, y).coef_
    np.testing.assert_allclose(ours[5], single, atol=1e-6)


def test_hard_thresholding_recovers_without_noise():
    rng = np.random.default_rng(0)
    x = draw_design("gaussian_ar", 400, 30, rng)
    theta = spread_parameter(30, 3)
    square = x.T @ x / 400
    step = 1 / np.linalg.eigvalsh(square)[-1]
    estimate = iterative_hard_thresholding(square, square @ theta, 6, step, 400)
    np.testing.assert_allclose(estimate, theta, atol=1e-6)


def test_projection_on_the_simplex_is_the_nearest_point():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 4))
    values[0] *= 0.05
    projected = project_simplex(values)
    assert np.all(np.abs(projected).sum(1) <= 1 + 1e-12)
    np.testing.assert_array_equal(projected[0], values[0])
    for value, ours in zip(values[1:], projected[1:]):
        # split into positive and negative parts, for a smooth solver
        result = optimize.minimize(
            lambda z, value=value: np.sum((z[:4] - z[4:] - value) ** 2),
            np.full(8, 0.1), bounds=[(0, None)] * 8, method="SLSQP",
            constraints={"type": "ineq", "fun": lambda z: 1 - z.sum()}, options={"ftol": 1e-14},
        )  # fmt: skip
        np.testing.assert_allclose(ours, result.x[:4] - result.x[4:], atol=1e-5)


def test_limit_agrees_with_every_user():
    theta = spread_parameter(6, 2)
    settings = Rounds(2, 4, 1.0)

    def draw(count, rng):
        x = draw_design("rademacher", count, 6, rng)
        return x, x @ theta + rng.choice([-0.25, 0.25], count)

    rng = np.random.default_rng(0)
    users = np.array(
        [private_rounds(draw, 6, settings, 40_000, 2.0, 1.0, 1.25, rng, chunk=7000)[-1] for _ in range(40)]
    )
    limit = limit_rounds(np.eye(6), theta, settings, 40_000, 2.0, 1.0, 1.25, 2000, rng)[:, -1]
    for statistic in (lambda e: np.linalg.norm(e - theta, axis=1), lambda e: e[:, 0]):
        a, b = statistic(users), statistic(limit)
        assert abs(a.mean() - b.mean()) < 4 * np.hypot(a.std() / len(a) ** 0.5, b.std() / len(b) ** 0.5)
        assert 0.6 < a.std() / b.std() < 1.5
    with pytest.raises(ValueError, match="users"):
        limit_rounds(np.eye(6), theta, settings, 10_000, 2.0, 1.0, 1.25, 2, rng)


@pytest.mark.parametrize("simplex", [False, True])
def test_gradients_never_exceed_the_radius(simplex):
    rng = np.random.default_rng(0)
    settings = Rounds(1, 8, 1.0, simplex=simplex)
    x, y = 3 * rng.normal(size=(5000, 20)), 3 * rng.normal(size=5000)
    theta = settings.project(rng.normal(size=20))
    lengths = np.linalg.norm(user_gradients(x, y, theta, settings, 1.0, 1.5), axis=1)
    assert lengths.max() <= settings.radius(20, 1.0, 1.5) * (1 + 1e-12)
    worst = user_gradients(np.ones((1, 20)), np.array([-1.5]), np.eye(20)[0] * 9, settings, 1.0, 1.5)
    np.testing.assert_allclose(np.linalg.norm(worst), settings.radius(20, 1.0, 1.5))


def test_papers_constants():
    assert paper_rounds(1e9, 2) == Rounds(21, 16, 1.0)


def test_too_small_a_sample_is_not_valid_or_projected():
    square = np.diag([1.0, -0.1])[None]
    result = solve_private(square, np.ones((1, 2)), 0.1)
    assert not result.valid[0]
    assert np.isnan(result.theta).all()
    projected = solve_private(square, np.ones((1, 2)), 0.1, floor=0.5, project=True)
    np.testing.assert_allclose(projected.unpenalised, [[1, 2]])
    with pytest.raises(ValueError, match="floor"):
        solve_private(square, np.ones((1, 2)), 0.1, project=True)


def test_level_covers_the_noise_of_all_coordinates():
    dim, n = 10, 1e9
    noise = moment_noise("tight", dim, 1.0, 1.25, 1.0, 1e-5)
    rng = np.random.default_rng(0)
    theta = spread_parameter(dim, 2)
    square, cross = mean_noise(noise, dim, n, (300,), rng)
    result = solve_private(np.eye(dim) + square, theta + cross, 0.0)
    level = theory_level(dim, noise.diagonal**2 / n, noise.cross**2 / n, 0.0)
    largest = np.abs(result.unpenalised - theta).max(axis=1)
    assert (largest <= level).mean() > 0.95
    assert level < 4 * largest.mean()


def test_peeling_finds_large_coordinates_and_is_noisy_as_stated():
    rng = np.random.default_rng(0)
    cross = np.tile(np.r_[0.5, -0.5, np.zeros(20)], (500, 1))
    released = peel(cross, 2, 100_000, 1.0, 1.25, rng)
    assert np.all(np.count_nonzero(released, axis=1) == 2)
    errors = (released - cross)[:, :2]
    assert np.abs(errors).mean() == pytest.approx(4 * 1.25 * 2 / 100_000, rel=0.15)


def test_methods_without_privacy_agree_on_easy_data():
    rng = np.random.default_rng(0)
    x = draw_design("gaussian_ar", 4000, 10, rng)
    theta = spread_parameter(10, 2)
    moments = Moments.of(x, x @ theta + 0.01 * rng.normal(size=4000))
    assert moments.rows.sum() == 4000
    for method in METHODS:
        np.testing.assert_allclose(fit(method, moments, 0.01, 2, theta), theta, atol=0.01)
    with pytest.raises(ValueError, match="method"):
        fit("other", moments, 0.01, 2, theta)


def test_cross_validation_is_that_of_explicit_folds():
    rng = np.random.default_rng(0)
    x = draw_design("gaussian_ar", 103, 6, rng)
    y = x @ spread_parameter(6, 2) + 0.5 * rng.normal(size=103)
    moments = Moments.of(x, y)
    candidates = rng.normal(size=(4, 6))
    edges = np.arange(6) * 103 // 5
    for fold in range(5):
        rows = slice(edges[fold], edges[fold + 1])
        expected = np.sum((y[rows] - candidates @ x[rows].T) ** 2, axis=1)
        np.testing.assert_allclose(moments.squared_errors(fold, candidates), expected)
        rest = np.r_[0 : edges[fold], edges[fold + 1] : 103]
        np.testing.assert_allclose(moments.without(fold)[0], x[rest].T @ x[rest] / len(rest))


@pytest.mark.parametrize("calibration", ["tight", "classical", "pure"])
def test_intervals_of_the_estimator_cover(calibration):
    rng = np.random.default_rng(0)
    theta = np.array([0.4, 0.0])
    epsilon = 1.0
    x = rng.choice([-1.0, 1.0], (400_000, 2))
    y = x @ theta + rng.choice([-0.3, 0.3], len(x))
    covered = []
    for seed in range(12):
        model = PrivateSparseRegression(epsilon, 1e-5, 1.0, 1.0, calibration=calibration, random_state=seed).fit(x, y)
        low, high = model.interval(0.99)
        covered.append((low <= theta) & (theta <= high))
        assert np.abs(model.unpenalised_ - theta).max() < 6 * model.standard_error_.max()
    assert np.mean(covered) > 0.85


def test_standard_errors_are_those_of_repeated_releases():
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], (60_000, 3))
    y = x @ [0.5, 0.2, 0.0]
    models = [PrivateSparseRegression(4.0, 1e-4, 1.0, 1.0, random_state=seed).fit(x, y) for seed in range(60)]
    spread = np.std([model.unpenalised_ for model in models], axis=0)
    np.testing.assert_allclose(np.mean([model.standard_error_ for model in models], axis=0), spread, rtol=0.3)


def test_estimator_behaves_like_one_of_scikit_learn():
    x = np.random.default_rng(0).choice([-1.0, 1.0], (100_000, 2))
    model = PrivateSparseRegression(4.0, random_state=0)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        model.predict(x)
    first, second = (clone(model).fit(x, x[:, 0]) for _ in range(2))
    np.testing.assert_array_equal(first.coef_, second.coef_)
    assert first.n_features_in_ == 2
    assert first.predict(x[:3]).shape == (3,)
    with pytest.raises(ValueError, match="2 features"):
        first.predict(np.ones((1, 3)))
    with pytest.raises(ValueError, match="more rows"):
        model.fit(x[:100], x[:100, 0])
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((5, 2), np.nan), np.zeros(5))
    with pytest.raises(ValueError, match="y: got"):
        model.fit(x, 2 * x[:, 0])
    np.testing.assert_array_equal(
        PrivateSparseRegression(4.0, clip=True, random_state=0).fit(x, 2 * x[:, 0]).coef_, first.coef_
    )


def test_tables_are_read_and_refused(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b,y\n1,2,3\n4,5,6\n")
    x, y, names = read_table(path)
    assert (x.shape, y.tolist(), names) == ((2, 2), [3, 6], ["a", "b"])
    path.write_text("a,y\n1,\n")
    with pytest.raises(ValueError, match="y, row 1"):
        read_table(path)
    path.write_text("y\n1\n")
    with pytest.raises(ValueError, match="columns"):
        read_table(path)
