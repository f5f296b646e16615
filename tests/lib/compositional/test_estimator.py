"""Estimators of scikit-learn's kind: its checks, the functions behind them, likelihoods, the EM of the lasso."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from lib.compositional import estimator as es
from lib.compositional.logratio import clr, clr_covariance
from lib.compositional.partial import partial
from lib.compositional.simulate import contrasts, gaussian_basis
from lib.graphs.edges import edge_auroc
from lib.graphs.gaussian import random_precision

TWO_PARTS = "its data have two features; the partial correlation of two parts has nothing to hold fixed"
LEFT_OUT = dict.fromkeys(
    (
        "check_estimators_overwrite_params",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_n_features_in",
    ),
    TWO_PARTS,
) | {"check_estimators_dtypes": "its integers have a row of zeros, which is no composition"}
PARTIAL = es.CompositionalPartialCorrelation


# zeros="min" because the checks shift their data until the smallest entry is zero
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        PARTIAL(zeros="min"),
        PARTIAL(zeros="min", shrinkage="basis"),
        es.CompositionalGraphicalLasso(0.5, zeros="min", max_iter=3),
    ],
    expected_failed_checks=lambda estimator: LEFT_OUT,
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [PARTIAL(), PARTIAL(shrinkage="basis"), es.CompositionalGraphicalLasso()])
def test_the_checks_left_out_hold_with_four_parts(composition, estimator):
    x = composition(40, 4)
    frozen = x.copy()
    frozen.setflags(write=False)
    before = estimator.get_params()
    fitted = clone(estimator).fit(frozen)
    assert fitted.get_params() == before
    assert fitted.n_features_in_ == 4
    np.testing.assert_array_equal(frozen, x)
    first = fitted.precision_.copy()
    np.testing.assert_array_equal(fitted.fit(frozen).precision_, first)
    with pytest.raises(AttributeError):
        clone(estimator).score(x)
    for dtype in (np.float32, np.int64):
        assert np.isfinite(clone(estimator).fit(np.ceil(10 * x).astype(dtype)).precision_).all()


def test_estimator_is_the_function(composition):
    x = composition(40, 5)
    fitted = PARTIAL().fit(x)
    np.testing.assert_array_equal(fitted.partial_correlation_, partial(x).correlation)
    assert fitted.degrees_of_freedom_ == 40 - 2 - 2
    np.testing.assert_allclose(fitted.covariance_ @ fitted.precision_, np.eye(5) - 1 / 5, atol=1e-10)
    low = fitted.interval(0.9)
    assert np.all(low.low <= fitted.partial_correlation_)
    shrunk = PARTIAL(shrinkage="basis").fit(x[:4])
    np.testing.assert_allclose(shrunk.partial_correlation_, partial(x[:4], shrinkage="basis").correlation, atol=1e-12)
    with pytest.raises(ValueError, match="shrinkage: got a fit with 'basis'"):
        shrunk.interval()
    refitted = PARTIAL().fit(x).set_params(shrinkage="basis").fit(x)
    assert refitted.pvalue_ is None  # no attribute of the first fit survives


def test_score_is_the_gaussian_log_likelihood_in_orthonormal_coordinates(composition):
    x, new = composition(40, 5), composition(7, 5, seed=1)
    fitted = PARTIAL().fit(x)
    V = contrasts(5)
    density = multivariate_normal(clr(x).mean(0) @ V, V.T @ clr_covariance(x) @ V)
    assert fitted.score(new) == pytest.approx(np.mean(density.logpdf(clr(new) @ V)), rel=1e-9)


def test_grid_search_prefers_shrinkage_when_samples_are_few(composition):
    x = composition(14, 10)
    grid = {"correlation_intensity": [0.0, 0.2, 0.5]}
    search = GridSearchCV(PARTIAL(shrinkage="basis"), grid, cv=4).fit(x)
    assert search.best_params_["correlation_intensity"] > 0


def test_lasso_rounds_never_lower_the_objective(composition):
    gamma = clr_covariance(composition(200, 6))
    with pytest.warns(ConvergenceWarning, match="30 rounds"):
        model = es.CompositionalGraphicalLasso(0.05, max_iter=30, tol=1e-6).fit_covariance(gamma)
    assert model.n_iter_ == len(model.objective_) == 30
    assert np.all(np.diff(model.objective_) > -1e-6)
    np.testing.assert_allclose(model.precision_ @ np.ones(6), 0, atol=1e-8)
    np.testing.assert_allclose(model.covariance_ @ model.precision_, np.eye(6) - 1 / 6, atol=1e-8)


def test_lasso_without_penalty_is_the_maximum_likelihood(composition):
    """Without a penalty the model is free, and the clr covariance of the model is the sample's."""
    gamma = clr_covariance(composition(200, 5))
    model = es.CompositionalGraphicalLasso(0.0, max_iter=300, tol=1e-9).fit_covariance(gamma)
    np.testing.assert_allclose(model.covariance_, gamma, atol=1e-3 * np.trace(gamma))


def test_lasso_recovers_a_sparse_basis():
    rng = np.random.default_rng(8)
    omega, edges = random_precision(15, 0.15, (0.4, 0.6), 0.3, rng)
    w = rng.multivariate_normal(np.zeros(15), np.linalg.inv(omega), 4000)
    model = es.CompositionalGraphicalLasso(0.03).fit(np.exp(w + 3 * rng.standard_normal((4000, 1))))
    score = np.abs(model.basis_partial_correlation_)
    upper = np.triu_indices(15, 1)
    assert score[upper][edges[upper]].min() > score[upper][~edges[upper]].max()


@pytest.mark.filterwarnings("error")
def test_a_path_of_penalties_ranks_the_edges_and_one_penalty_is_the_estimator():
    rng = np.random.default_rng(9)
    omega, edges = random_precision(12, 0.2, (0.4, 0.6), 0.3, rng)
    logs = gaussian_basis(omega, 3000, rng) + 3 * rng.standard_normal((3000, 1))
    gamma = clr_covariance(np.exp(logs))
    assert edge_auroc(es.lasso_path_scores(gamma, [0.03, 0.1, 0.3], 4), edges) > 0.95
    model = es.CompositionalGraphicalLasso(0.1, max_iter=200, tol=1e-2).fit_covariance(gamma)
    single = es.lasso_path_scores(gamma, [0.1], model.n_iter_)
    off = ~np.eye(12, dtype=bool)
    np.testing.assert_allclose(single[off], np.abs(model.basis_partial_correlation_)[off], atol=0.02)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (PARTIAL(shrinkage="naive"), "shrinkage: got 'naive'"),
        (PARTIAL(zeros="drop"), "zeros: got 'drop'"),
        (es.CompositionalGraphicalLasso(-1), "alpha: got -1"),
        (es.CompositionalGraphicalLasso(max_iter=0), "max_iter: got 0"),
    ],
)
def test_bad_parameters_are_named(composition, model, name):
    with pytest.raises(ValueError, match=name):
        model.fit(composition(30, 4))


def test_bad_data_are_named(composition):
    x = composition(30, 4)
    with pytest.raises(ValueError, match="Negative values in data passed to CompositionalPartialCorrelation"):
        PARTIAL().fit(-x)
    with pytest.raises(ValueError, match=r"X: got 0.0 at \(0, 0\)"):
        PARTIAL().fit(np.where(x == x[0, 0], 0, x))
    with pytest.raises(ValueError, match="without variance"):
        es.CompositionalGraphicalLasso().fit(np.ones((5, 3)))
