import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, lars_path
from sklearn.linear_model import lasso_path as sklearn_path

from lib.regression.greedy import elastic_net_path
from lib.regression.homotopy import lasso_homotopy, lasso_levels
from lib.regression.ill_conditioned import draw_columns, unit_columns


def problem(design="iid", rows=40, dim=70, spread=1e3, seed=0):
    rng = np.random.default_rng(seed)
    x = unit_columns(draw_columns(design, rows, dim, spread, rng))[0]
    return x, x[:, :3] @ [1.0, -2.0, 0.5] + rng.standard_normal(rows)


def test_the_path_is_that_of_coordinate_descent():
    x, y = problem()
    levels = lasso_levels(x, y, 12, 1e-2)
    ours = lasso_homotopy(x, y, levels)
    _, peer, _ = sklearn_path(x, y, alphas=levels, tol=1e-12, max_iter=100_000)
    np.testing.assert_allclose(ours.coefficients, peer.T, atol=1e-6)
    np.testing.assert_allclose(ours.fits, ours.coefficients @ x.T, atol=1e-11)
    assert ours.gaps.max() < 1e-13


def test_knots_are_those_of_least_angle_regression():
    x, y = problem(seed=1)
    levels, _, coefficients = lars_path(x, y, method="lasso")
    inner = (levels[1:-1] + levels[:-2]) / 2
    between = (coefficients[:, 1:-1] + coefficients[:, :-2]) / 2  # linear between two knots
    np.testing.assert_allclose(lasso_homotopy(x, y, inner).coefficients, between.T, atol=1e-10)


@pytest.mark.parametrize("design", ["factor", "multifactor", "ar", "cauchy", "pairs", "vandermonde"])
@pytest.mark.parametrize("spread", [1e3, 1e9])
def test_no_condition_number_leaves_a_gap(design, spread):
    x, y = problem(design, spread=spread, seed=2)
    path = lasso_homotopy(x, y, lasso_levels(x, y, 20, 1e-5))
    known = np.isfinite(path.gaps)
    assert known.sum() >= 15
    assert np.nanmax(path.gaps) < 1e-9


def test_weights_are_columns_of_other_lengths():
    x, y = problem(seed=3)
    weights = np.random.default_rng(0).uniform(0.5, 2, x.shape[1])
    weighted = lasso_homotopy(x, y, [0.2, 0.1], weights=weights)
    scaled = lasso_homotopy(x / weights, y, [0.2, 0.1])
    np.testing.assert_allclose(weighted.coefficients, scaled.coefficients / weights, atol=1e-11)


def test_many_right_hand_sides_are_as_many_problems():
    x, y = problem(seed=4)
    targets = np.column_stack([y, y[::-1], -2 * y])
    together = lasso_homotopy(x, targets, [0.4, 0.2, 0.1])
    for m in range(3):
        alone = lasso_homotopy(x, targets[:, m], [0.4, 0.2, 0.1])
        np.testing.assert_array_equal(together.coefficients[..., m], alone.coefficients)
        np.testing.assert_array_equal(together.gaps[:, m], alone.gaps)


def test_orthogonal_columns_are_soft_thresholded():
    x = np.sqrt(8) * np.linalg.qr(np.random.default_rng(1).standard_normal((8, 5)))[0]
    theta = np.array([1.0, -0.5, 0.2, 0.05, 0.0])
    expected = np.sign(theta) * np.maximum(np.abs(theta) - 0.1, 0)
    np.testing.assert_allclose(lasso_homotopy(x, x @ theta, [0.1]).coefficients[0], expected, atol=1e-13)


def test_a_small_level_interpolates_and_says_where_it_ends():
    x, y = problem(rows=20, dim=50)
    path = lasso_homotopy(x, y, np.geomspace(1, 1e-12, 40))
    assert np.nanmin(np.mean((y - path.fits) ** 2, axis=1)) < 1e-9
    stopped = lasso_homotopy(x, y, np.geomspace(1, 1e-12, 40), until=0.5)
    assert stopped.ends == "residual reached"
    assert np.isnan(stopped.fits[-1]).all()
    assert np.isnan(stopped.gaps[-1])
    known = np.isfinite(stopped.gaps)
    np.testing.assert_allclose(stopped.fits[known], path.fits[known], atol=1e-9)


@pytest.mark.parametrize(
    "case", ["duplicates", "zero column", "constant column", "one row", "one column", "zero y", "tall"]
)
def test_degenerate_designs_are_solved(case):
    x, y = problem(rows=12, dim=20, seed=5)
    x, y = {
        "duplicates": lambda: (np.hstack([x, x, -x]), y),
        "zero column": lambda: (np.hstack([np.zeros((12, 1)), x]), y),
        "constant column": lambda: (np.hstack([np.ones((12, 1)), x]), y),
        "one row": lambda: (x[:1], y[:1]),
        "one column": lambda: (x[:, :1], y),
        "zero y": lambda: (x, 0 * y),
        "tall": lambda: (x[:, :4], y),
    }[case]()
    path = lasso_homotopy(x, y, np.geomspace(1, 1e-3, 10))
    assert np.nanmax(path.gaps) < 1e-12
    assert np.isfinite(path.gaps[:5]).all()


def test_the_elastic_net_is_scikit_learns():
    x, y = problem(seed=6)
    level, ridge = 0.1, 0.2
    peer = ElasticNet(alpha=level + ridge, l1_ratio=level / (level + ridge), fit_intercept=False, tol=1e-12).fit(x, y)
    path = elastic_net_path(x, y, [level], ridge)
    np.testing.assert_allclose(path.coefficients[0], peer.coef_, atol=1e-6)
    np.testing.assert_allclose(path.fits[0], x @ path.coefficients[0], atol=1e-11)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"levels": [0.1, 0.2]}, "levels"),
        ({"levels": [0.0]}, "levels"),
        ({"y": np.ones(3)}, "y"),
        ({"z": np.full((40, 70), np.nan)}, "z"),
        ({"weights": np.zeros(70)}, "weights"),
    ],
)
def test_bad_input_is_refused(change, name):
    x, y = problem()
    with pytest.raises(ValueError, match=f"^{name}:"):
        lasso_homotopy(**({"z": x, "y": y, "levels": [0.1]} | change))
    with pytest.raises(ValueError, match="ridge"):
        elastic_net_path(x, y, [0.1], 0.0)
    with pytest.raises(ValueError, match="count"):
        lasso_levels(x, y, 0, 0.1)
