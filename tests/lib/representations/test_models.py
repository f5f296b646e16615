"""Mixings are injective, effects are means of simulated outcomes, scores know affine maps."""

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA

from lib.representations.interventions import (
    box_queries,
    draw_model,
    draw_quadratic,
    draw_together,
    is_inside,
    quadratic_effect,
    shear,
)
from lib.representations.mixing import folded_mixing, orthonormal, smallest_stretch, wide_mixing
from lib.representations.scores import affine_r2, canonical_axes, principal_axes


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (3, 3)])
def test_orthonormal(rng, shape):
    q = orthonormal(*shape, rng)
    small = q.T @ q if shape[0] >= shape[1] else q @ q.T
    assert np.allclose(small, np.eye(min(shape)))


def test_a_folded_mixing_shrinks_no_distance_by_more_than_its_bound(rng):
    for latent in (1, 2, 4):
        mix = folded_mixing(latent, 3, 10, 0.2, rng)
        assert smallest_stretch(mix, rng.standard_normal((200, latent))) >= 0.2**3 * (1 - 1e-9)


def test_a_wide_mixing_keeps_points_apart(rng):
    assert (
        min(smallest_stretch(wide_mixing(2, 16, 10, 0.2, rng), rng.standard_normal((200, 2))) for _ in range(5)) > 0.02
    )


def test_a_slope_of_one_is_affine_and_a_small_one_is_not(rng):
    z = rng.standard_normal((2000, 2))
    assert affine_r2(folded_mixing(2, 3, 10, 1.0, rng)(z), z) == pytest.approx(1)
    assert affine_r2(folded_mixing(2, 3, 10, 0.2, rng)(z), z) < 0.99


@pytest.mark.parametrize("residual", ["normal", "bounded"])
@pytest.mark.parametrize("curvature", [0.0, 0.5])
def test_effects_are_means_of_outcomes(rng, residual, curvature):
    model = draw_model(rng, residual=residual, curvature=curvature)
    action = np.array([0.7, -1.4])
    n = 200_000
    v = model.draw_residual(n, rng)
    z = model.mean_latent(action) + v
    y = z.sum(axis=1) + 5 * np.sin(z).sum(axis=1) + 2 * v.sum(axis=1) + rng.standard_normal(n)
    assert model.effect(action) == pytest.approx(y.mean(), abs=5 * y.std() / n**0.5)


def test_the_effect_given_features_is_a_regression_of_the_outcome(rng):
    model = draw_model(rng)
    data = model.draw(100_000, rng)
    rest = data.outcome - model.conditional_effect(data.latent, data.residual)
    assert rest.std() == pytest.approx(1, rel=0.02)  # what is left is independent noise
    assert np.abs(np.corrcoef(np.column_stack([rest, data.latent, data.residual]).T)[0, 1:]).max() < 0.02


def test_hidden_causes_are_there_unless_they_are_switched_off(rng):
    for confounded in (True, False):
        model = draw_model(np.random.default_rng(0), confounded=confounded)
        data = model.draw(20_000, rng)
        hidden = data.outcome - (data.latent + 5 * np.sin(data.latent)).sum(axis=1)
        assert (abs(np.corrcoef(hidden, data.residual[:, 0])[0, 1]) > 0.3) == confounded
        assert hidden.var() == pytest.approx(9 if confounded else 5, rel=0.05)


def test_the_quadratic_effect_is_a_mean(rng):
    matrix = 1.5 * orthonormal(2, 2, rng)
    actions = np.array([[0.5, 0.5], [-1.5, 1.5]])
    for action in actions:
        z = matrix @ action + rng.standard_normal((400_000, 2))
        y = (np.array([0.4, -0.2]) * z**2 + z).sum(axis=1)
        assert quadratic_effect(matrix, action) == pytest.approx(y.mean(), abs=0.02)
    assert draw_quadratic(matrix, 1.0, 7, rng).outcome.shape == (7,)


def test_noise_is_in_units_of_the_features(rng):
    clean, noisy = (draw_model(np.random.default_rng(3), noise=noise) for noise in (0.0, 0.3))
    a, b = (model.draw(20_000, np.random.default_rng(4)).features for model in (clean, noisy))
    assert (b - a).std() / a.std() == pytest.approx(0.3, rel=0.02)


def test_data_sets_together_are_those_alone():
    models = [draw_model(np.random.default_rng(s)) for s in range(3)]
    together = draw_together(models, 50, [np.random.default_rng(10 + s) for s in range(3)])
    for s, model in enumerate(models):
        for part, own in zip(together, model.draw(50, np.random.default_rng(10 + s))):
            assert np.array_equal(part[s], own)


def test_queries_lie_in_the_wider_box(rng):
    queries = box_queries(1.0, 2.0, 2, 4000, rng)
    assert np.abs(queries).max() <= 2
    assert is_inside(queries, 1.0).mean() == pytest.approx(0.25, abs=0.03)


def test_affine_r2_is_one_for_affine_maps_alone(rng):
    z = rng.standard_normal((500, 2))
    assert affine_r2(z, z @ rng.standard_normal((2, 2)) + 7) == pytest.approx(1)
    assert affine_r2(z, shear(z)) < 0.99
    assert 0 <= affine_r2(z, rng.standard_normal((500, 2))) < 0.05
    assert affine_r2(z, np.zeros((500, 2))) == pytest.approx(0)


def test_affine_r2_is_not_symmetric(rng):
    z = rng.standard_normal((500, 2))
    more = np.column_stack([z, rng.standard_normal(500)])
    assert affine_r2(z, more) == pytest.approx(1)
    assert affine_r2(more, z) == pytest.approx(2 / 3, abs=0.05)


def test_affine_r2_of_small_and_large_numbers(rng):
    z = rng.standard_normal((500, 2))
    assert affine_r2(1e-6 * z + 1, 1e9 * z) == pytest.approx(1, abs=1e-6)


def test_affine_r2_checks_its_input(rng):
    z = rng.standard_normal((10, 2))
    for latent, phi in ((np.ones((10, 1)), z), (z, np.full((10, 2), np.nan)), (z, z[:5]), (z[:3], z[:3])):
        with pytest.raises(ValueError):
            affine_r2(latent, phi)


def test_linear_representations_are_those_of_scikit_learn(rng):
    features = rng.standard_normal((400, 6)) @ rng.standard_normal((6, 6))
    actions = features[:, :2] + rng.standard_normal((400, 2))
    mean, axes = principal_axes(features, 2)
    peer = PCA(2).fit(features)
    assert affine_r2((features - mean) @ axes, peer.transform(features)) == pytest.approx(1)
    mean, axes = canonical_axes(features, actions, 2)
    peer = CCA(2, max_iter=5000, tol=1e-12).fit(features, actions)
    assert affine_r2((features - mean) @ axes, peer.transform(features)) == pytest.approx(1, abs=1e-6)


def test_canonical_axes_beyond_the_actions(rng):
    features, action = rng.standard_normal((300, 4)), rng.standard_normal((300, 1))
    mean, axes = canonical_axes(features, action, 3)
    assert np.allclose(np.cov(((features - mean) @ axes).T, ddof=0), np.eye(3), atol=1e-8)


def test_bad_mixings_are_refused(rng):
    with pytest.raises(ValueError, match="slope"):
        wide_mixing(2, 16, 10, 0.0, rng)
    with pytest.raises(ValueError, match="slope"):
        folded_mixing(2, 3, 10, -1.0, rng)
    with pytest.raises(ValueError, match="hidden"):
        wide_mixing(4, 3, 10, 0.2, rng)
    with pytest.raises(ValueError, match="features"):
        folded_mixing(4, 3, 3, 0.2, rng)
    with pytest.raises(ValueError, match="mixing"):
        draw_model(rng, mixing="other")
    with pytest.raises(ValueError, match="residual"):
        draw_model(rng, residual="other").draw(5, rng)
