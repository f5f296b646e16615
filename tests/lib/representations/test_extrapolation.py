"""Effects outside the support: closed forms, invariance to affine maps, agreement with known effects."""

import numpy as np
import pandas as pd
import pytest

from lib.representations.advice import extrapolate_effects, read_interventions
from lib.representations.direct import kernel_ridge_effect, mlp_effect, ols_effect
from lib.representations.extrapolation import ControlFunction, fit_additive, polynomial_effect, polynomial_features
from lib.representations.interventions import draw_quadratic, quadratic_effect, shear
from lib.representations.mixing import orthonormal
from lib.representations.restriction import linear_fit

REGRESSION = {"hidden": 8, "epochs": 4, "batch": 32, "learning_rate": 3e-3}
POINTS = np.array([[0.5, 0.5], [-0.5, 1.0], [1.5, 0.0], [-1.5, 1.5]])


@pytest.fixture
def rng():
    return np.random.default_rng(2)


@pytest.fixture
def quadratic(rng):
    matrix = 1.5 * orthonormal(2, 2, rng)
    return matrix, draw_quadratic(matrix, 1.0, 20_000, rng)


def test_monomials(rng):
    x = rng.standard_normal((5, 2))
    a, b = x.T
    assert np.allclose(polynomial_features(x, 2), np.stack([a, b, a * a, a * b, b * b], axis=1))
    assert polynomial_features(rng.standard_normal((5, 3)), 4).shape[1] == 34


def test_polynomials_find_the_quadratic_effect_outside_the_support(quadratic):
    matrix, data = quadratic
    effect = polynomial_effect(data.latent, data.actions, data.outcome, POINTS, 2)
    assert effect == pytest.approx(quadratic_effect(matrix, POINTS), abs=0.15)
    wrong = polynomial_effect(shear(data.latent), data.actions, data.outcome, POINTS, 2)
    assert np.abs(wrong - quadratic_effect(matrix, POINTS)).mean() > 0.4


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_affine_maps_change_nothing(quadratic, rng, degree):
    _, data = quadratic
    moved = data.latent @ (np.eye(2) + rng.standard_normal((2, 2))) + np.array([2.0, -1.0])
    effects = [polynomial_effect(z, data.actions, data.outcome, POINTS, degree) for z in (data.latent, moved)]
    assert effects[0] == pytest.approx(effects[1], abs=1e-8)


def test_a_linear_outcome_gives_two_stage_least_squares(rng):
    n = 300
    actions, v = rng.standard_normal((n, 3)), rng.standard_normal((n, 2))
    z = actions @ rng.standard_normal((3, 2)) + v
    y = z @ np.array([1.0, -2.0]) + 3 * v.sum(axis=1) + rng.standard_normal(n)
    slopes, offsets, _ = linear_fit(actions, z)
    fitted = actions @ slopes.T + offsets
    second, constant, _ = linear_fit(fitted, y[:, None])
    queries = 5 * rng.standard_normal((10, 3))
    line = (queries @ slopes.T + offsets) @ second[0] + constant[0]
    assert polynomial_effect(z, actions, y, queries, 1) == pytest.approx(line, abs=1e-8)


def _fit(rng, control=True, sets=2, n=200, seeds=None, **options):
    matrix = np.eye(2)
    samples = [draw_quadratic(matrix, 1.0, n, rng) for _ in range(sets)]
    z, a, y = (np.stack([getattr(s, name) for s in samples]) for name in ("latent", "actions", "outcome"))
    return ControlFunction(z, a, y, seeds or list(range(sets)), control=control, **REGRESSION | options), z, a, y


def test_effects_average_over_all_residuals(rng, monkeypatch):
    monkeypatch.setattr("lib.representations.extrapolation.POINTS_AT_ONCE", 3000)  # in several parts
    fit, z, _, y = _fit(rng)
    queries = rng.standard_normal((2, 20, 2))
    effect = fit.effect(queries)
    for s in range(2):
        for q in (0, 17):
            points = np.zeros((2, 200, 2))
            points[s] = fit.slopes[s] @ queries[s, q] + fit.offsets[s] + fit.residuals[s]
            own = fit.fits.part(0, points)[s].mean() - fit.fits.part(0, z)[s].mean() + y[s].mean()
            assert effect[s, q] == pytest.approx(own, abs=1e-6)


def test_constants_of_the_two_parts_cancel(rng):
    fit, z, _, y = _fit(rng)
    queries = np.tile(POINTS, (2, 1, 1))
    before = fit.effect(queries)
    for part in fit.fits.parts:
        part[-1].bias.data += 3.0
    fit.constant = y.mean(axis=1) - fit.fits.part(0, z).mean(axis=1)
    assert fit.effect(queries) == pytest.approx(before, abs=1e-4)


def test_given_the_features_both_parts_are_added(rng):
    fit, z, a, _ = _fit(rng)
    conditional = fit.conditional_effect(z, a)
    assert conditional == pytest.approx(fit.fits.predict(z, fit.residuals), abs=1e-5)
    plain, z, a, _ = _fit(rng, control=False)
    assert plain.conditional_effect(z, a) == pytest.approx(plain.fits.predict(z), abs=1e-6)


def test_fits_together_are_fits_alone(rng):
    x, y = rng.standard_normal((3, 100, 2)), rng.standard_normal((3, 100))
    together = fit_additive([x, x**2], y, [4, 5, 6], **REGRESSION).predict(x, x**2)
    for s in range(3):
        one = slice(s, s + 1)
        alone = fit_additive([x[one], x[one] ** 2], y[one], [4 + s], **REGRESSION).predict(x[one], x[one] ** 2)
        assert together[s] == pytest.approx(alone[0], abs=1e-5)


def test_an_additive_fit_learns_a_sum(rng):
    x, w = rng.uniform(-1, 1, (1, 800, 1)), rng.uniform(-1, 1, (1, 800, 1))
    y = 3 * x[..., 0] ** 2 + np.abs(w[..., 0])
    fits = fit_additive([x, w], y, [0], **REGRESSION | {"hidden": 16, "epochs": 60, "learning_rate": 1e-2})
    assert ((fits.predict(x, w) - y) ** 2).mean() < 0.02 * y.var()


def test_support_is_a_share_of_points_in_the_box(rng):
    fit, *_ = _fit(rng)
    inside, far = fit.support_share(np.zeros((2, 1, 2))), fit.support_share(np.full((2, 1, 2), 50.0))
    assert (inside > 0.9).all()
    assert (far == 0).all()


def test_direct_regressions_are_right_inside(rng):
    actions = rng.uniform(-1, 1, (600, 2))
    truth = lambda a: a[..., 0] ** 2 - a[..., 1]  # noqa: E731
    y, queries = truth(actions) + 0.1 * rng.standard_normal(600), rng.uniform(-0.9, 0.9, (40, 2))
    assert ols_effect(actions, y, queries, degree=3) == pytest.approx(truth(queries), abs=0.1)
    assert np.abs(kernel_ridge_effect(actions, y, queries) - truth(queries)).mean() < 0.05
    effect = mlp_effect(actions[None], y[None], queries[None], [0], epochs=40, batch=64)
    assert np.abs(effect[0] - truth(queries)).mean() < 0.1


def test_the_width_of_the_perceptron_is_chosen_in_the_support(rng, monkeypatch):
    import lib.representations.direct as direct

    monkeypatch.setattr(direct, "GRID", {"hidden": (4,), "learning_rate": (1e-12, 1e-2), "share": (1.0,)})
    actions = rng.uniform(-1, 1, (1, 300, 1))
    effect = mlp_effect(actions, 3 * actions[..., 0], np.array([[[0.9], [-0.9]]]), [0], epochs=60, batch=32)
    assert effect[0, 0] - effect[0, 1] > 4  # the rate at which nothing is learnt is not chosen


def test_input_is_checked(rng):
    x, y = rng.standard_normal((1, 50, 2)), rng.standard_normal((1, 50))
    with pytest.raises(ValueError, match="constant column"):
        fit_additive([np.ones((1, 50, 2))], y, [0], **REGRESSION)
    with pytest.raises(ValueError, match="rows"):
        fit_additive([x], y, [0], **REGRESSION | {"batch": 100})
    with pytest.raises(ValueError, match="singular"):
        ControlFunction(x, np.ones((1, 50, 1)), y, [0], **REGRESSION)


@pytest.fixture
def table(rng, tmp_path):
    def one(changes=None):
        actions = rng.uniform(-1, 1, (300, 2))
        z = 2 * actions + rng.standard_normal((300, 2))
        columns = {"a1": actions[:, 0], "a2": actions[:, 1]}
        columns |= {f"x{i}": value for i, value in enumerate((z @ orthonormal(2, 4, rng)).T)}
        rows = pd.DataFrame(columns | {"y": z.sum(axis=1)}).astype(object)
        queries = pd.DataFrame({"a1": [0.0, 1.5], "a2": [0.0, 1.5]})
        path = tmp_path / "own.csv"
        whole = pd.concat([rows, queries], ignore_index=True)
        (changes or (lambda t: t))(whole).to_csv(path, index=False)
        return path

    return one


OWN = {
    "latent": 2, "penalties": [0.0, 10.0], "allowance": 1.2, "resamples": 6, "seed": 0, "width": 16, "epochs": 60,
    "batch": 32, "learning_rate": 1e-2, "regression": {"hidden": 8, "epochs": 40, "batch": 32, "learning_rate": 1e-2},
}  # fmt: skip


def test_effects_from_a_table_of_ones_own(table):
    data = read_interventions(table(), ["a1", "a2"], "y")
    assert (data.features.shape, data.queries.tolist()) == ((300, 4), [[0, 0], [1.5, 1.5]])
    result = extrapolate_effects(data, **OWN)
    assert result.effect == pytest.approx([0, 6], abs=1.5)  # y = z_1 + z_2, z = 2 a in the mean
    assert (result.low <= result.high).all()
    assert (result.se > 0).all()
    assert result.support[0] > result.support[1]
    assert 0 < result.pvalue <= 1


def test_tables_are_checked(table):
    with pytest.raises(ValueError, match="expected one named b"):
        read_interventions(table(), ["b"], "y")
    with pytest.raises(ValueError, match="row 5: got 'many'"):
        read_interventions(table(lambda t: t.assign(x1=t.x1.where(t.index != 4, "many"))), ["a1", "a2"], "y")
    with pytest.raises(ValueError, match="row 3"):
        read_interventions(table(lambda t: t.assign(y=t.y.where(t.index != 2))), ["a1", "a2"], "y")
    with pytest.raises(ValueError, match="no row with empty features"):
        read_interventions(table(lambda t: t[:300]), ["a1", "a2"], "y")
    with pytest.raises(ValueError, match="rank condition"):
        extrapolate_effects(read_interventions(table(), ["a1", "a2"], "y"), **OWN | {"latent": 3})
    nearly = table(lambda t: t.assign(a2=t.a1 + 1e-5 * t.a2))
    with pytest.warns(UserWarning, match="collinear"):
        extrapolate_effects(read_interventions(nearly, ["a1", "a2"], "y"), **OWN | {"epochs": 1, "resamples": 2})
