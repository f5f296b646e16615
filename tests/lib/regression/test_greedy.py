import itertools

import numpy as np
import pytest
from sklearn.linear_model import OrthogonalMatchingPursuit, Ridge

from lib.regression.greedy import (
    best_subset,
    component_path,
    deflating_basis,
    greedy_path,
    hard_thresholding_path,
    leading_basis,
    project,
    ridge_path,
)
from lib.regression.ill_conditioned import draw_columns, unit_columns


def problem(design="ar", rows=30, dim=15, seed=0):
    rng = np.random.default_rng(seed)
    x = unit_columns(draw_columns(design, rows, dim, 1e3, rng))[0]
    return x, x[:, [2, 7]] @ [1.0, -1.5] + 0.1 * rng.standard_normal(rows)


def residual(x, y, chosen):
    return float(np.sum((y - x[:, chosen] @ np.linalg.lstsq(x[:, chosen], y, rcond=None)[0]) ** 2))


def test_pursuit_is_scikit_learns():
    x, y = problem()
    fits, chosen = greedy_path(x, y, 5, renormalise=False)
    for steps in (1, 3, 5):
        peer = OrthogonalMatchingPursuit(n_nonzero_coefs=steps, fit_intercept=False).fit(x, y)
        assert set(np.flatnonzero(peer.coef_)) == set(chosen[:steps])
        np.testing.assert_allclose(fits[steps - 1], x @ peer.coef_, atol=1e-9)


def test_forward_selection_takes_the_best_next_column():
    x, y = problem("factor", dim=12)
    fits, chosen = greedy_path(x, y, 4, renormalise=True)
    for step in range(4):
        before = list(chosen[:step])
        others = [j for j in range(12) if j not in before]
        assert chosen[step] == min(others, key=lambda j: residual(x, y, [*before, j]))
        assert np.sum((y - fits[step]) ** 2) == pytest.approx(residual(x, y, list(chosen[: step + 1])))


def test_greedy_paths_end_where_no_column_is_left():
    x, y = problem()
    x = x[:, :3]
    fits, chosen = greedy_path(np.hstack([x, x]), y, 10, renormalise=True)
    assert len(chosen) == len(fits) == 3


@pytest.mark.parametrize("design", ["iid", "factor", "pairs"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_best_subset_is_that_of_enumeration(design, size):
    x, y = problem(design, dim=10)
    chosen, fit = best_subset(x, y, size)
    expected = min(itertools.combinations(range(10), size), key=lambda columns: residual(x, y, list(columns)))
    assert tuple(chosen) == expected
    assert np.sum((y - fit) ** 2) == pytest.approx(residual(x, y, list(expected)))


def test_best_subset_finds_a_pair_that_nearly_cancels():
    x = unit_columns(draw_columns("pairs", 60, 40, 1e6, np.random.default_rng(1)))[0]
    y = (x[:, 0] - x[:, 1]) * 1e6
    np.testing.assert_array_equal(best_subset(x, y, 2)[0], [0, 1])


def test_shrinkage_and_components():
    x, y = problem(rows=12, dim=20)
    for penalty, fit in zip((0.1, 3.0), ridge_path(x, y, [0.1, 3.0])):
        np.testing.assert_allclose(fit, Ridge(alpha=12 * penalty, fit_intercept=False).fit(x, y).predict(x), atol=1e-9)
    np.testing.assert_allclose(component_path(x, y, [12])[0], y, atol=1e-10)
    first = np.linalg.svd(x)[0][:, 0]
    np.testing.assert_allclose(component_path(x, y, [1])[0], first * (first @ y), atol=1e-12)


def test_thresholding_recovers_a_support_of_orthogonal_columns():
    x = np.sqrt(20) * np.linalg.qr(np.random.default_rng(3).standard_normal((20, 10)))[0]
    np.testing.assert_allclose(hard_thresholding_path(x, x[:, 1] - x[:, 4], [2])[0], x[:, 1] - x[:, 4], atol=1e-12)


def test_deflation_finds_the_common_columns_of_each_scale():
    rng = np.random.default_rng(4)
    common = np.linalg.qr(rng.standard_normal((50, 2)))[0]
    x = np.outer(common[:, 0], np.ones(30)) + 1e-4 * np.outer(common[:, 1], np.ones(30))
    x = x + 1e-4 * 0.3 * np.linalg.qr(rng.standard_normal((50, 30)))[0] * rng.choice([-1, 1], 30)
    basis = deflating_basis(x, 2)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    assert abs(leading_basis(x, 1)[:, 0] @ common[:, 0]) > 0.999
    assert deflating_basis(np.outer(common[:, 0], np.ones(5)), 3).shape == (50, 1)


def test_projection_on_dependent_columns():
    x, y = problem(rows=10)
    x = x[:, :4]
    np.testing.assert_allclose(project(np.hstack([x, x[:, :2]]), y), project(x, y), atol=1e-12)
    assert (project(x[:, :0], y) == 0).all()


def test_bad_input_is_refused():
    x, y = problem()
    with pytest.raises(ValueError, match="steps"):
        greedy_path(x, y, 0, renormalise=True)
    with pytest.raises(ValueError, match="size: got 16"):
        best_subset(x, y, 16)
    with pytest.raises(ValueError, match="subsets"):
        best_subset(x, y, 3, limit=100)
