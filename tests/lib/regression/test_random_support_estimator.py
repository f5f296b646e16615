import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from lib.regression.comparison import method_error
from lib.regression.ill_conditioned import draw_problem
from lib.regression.preconditioner import precondition
from lib.regression.random_support import fit_preconditioned
from lib.regression.random_support_estimator import RandomSupportRegression


@pytest.fixture
def problem():
    return draw_problem("factor", 120, 150, 1e6, 2, 1.0, lambda part: np.random.default_rng([len(part), 5]))


def test_it_is_an_estimator_of_scikit_learns():
    check_estimator(RandomSupportRegression(1, noise=0.5), expected_failed_checks={})


def test_it_is_the_preconditioned_lasso_of_columns_of_any_length(problem):
    scales = 10.0 ** np.random.default_rng(0).uniform(-5, 5, 150)
    model = RandomSupportRegression(2, noise=1.0, random_state=1).fit(problem.x * scales, problem.y)
    _, fit = fit_preconditioned(problem.x, problem.y, precondition(problem.x, model.columns_), model.level_)
    np.testing.assert_allclose(model.predict(problem.x * scales), fit, atol=1e-6)
    assert len(model.columns_) == 8
    assert model.failure_bound_ == pytest.approx(2 / 9)


def test_the_level_is_found_without_the_noise_and_beats_the_lasso(problem):
    model = RandomSupportRegression(2, random_state=0).fit(problem.x, problem.y)
    ours = np.mean((model.predict(problem.x) - problem.signal) ** 2)
    assert ours < method_error("lasso_cv", problem, [], 1.0, np.random.default_rng(0))
    assert model.noise_ == pytest.approx(1.0, rel=0.3)


def test_more_tries_do_not_validate_worse(problem):
    one, many = (
        RandomSupportRegression(2, tries=tries, random_state=3).fit(problem.x, problem.y).validation_error_
        for tries in (1, 6)
    )
    assert many <= one * 1.1


def test_the_certificate_needs_a_level_above_the_noise(problem):
    proved = RandomSupportRegression(2, noise=1.0, factor=1.5, random_state=0).fit(problem.x, problem.y)
    tuned = RandomSupportRegression(2, noise=1.0, factor=0.7, random_state=0).fit(problem.x, problem.y)
    assert proved.error_bound_failure_ < 1 == tuned.error_bound_failure_
    assert np.mean((proved.predict(problem.x) - problem.signal) ** 2) < proved.error_bound_


@pytest.mark.parametrize("columns", ["constant", "duplicated", "zero", "fewer rows"])
def test_bad_designs_are_fitted(columns):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((30, 20))
    x = {
        "constant": np.hstack([np.ones((30, 3)), x]),
        "duplicated": np.hstack([x, x]),
        "zero": np.hstack([x, np.zeros((30, 4))]),
        "fewer rows": x[:3],
    }[columns]
    y = x[:, 0] + 0.1 * rng.standard_normal(len(x))
    model = RandomSupportRegression(2, noise=0.1, random_state=0).fit(x, y)
    assert np.isfinite(model.coef_).all()
    assert np.mean((model.predict(x) - y) ** 2) < np.mean(y**2)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [({"sparsity": 200}, "sparsity"), ({"size": 120}, "size"), ({"tries": 0}, "tries"), ({"folds": 1}, "folds"),
     ({"noise": -1.0}, "noise")],
)  # fmt: skip
def test_bad_parameters_are_refused(problem, parameters, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        RandomSupportRegression(**{"sparsity": 2, **parameters}).fit(problem.x, problem.y)
