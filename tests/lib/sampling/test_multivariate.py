"""Index sets against brute force, tensor bases against products, finite bases against linear algebra."""

import itertools

import numpy as np
import pytest
from scipy import stats

from lib.sampling import multivariate as mv
from lib.sampling.bases import Legendre


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("degree", [0, 1, 4])
def test_index_sets_are_those_of_their_definition(dim, degree):
    every = list(itertools.product(range(degree + 1), repeat=dim))
    for indices, expected in (
        (mv.total_degree(dim, degree), [k for k in every if sum(k) <= degree]),
        (mv.hyperbolic_cross(dim, degree), [k for k in every if np.prod(np.add(k, 1)) <= degree + 1]),
        (mv.tensor_degree(dim, degree), every),
    ):
        assert {tuple(k) for k in indices.tolist()} == set(expected)
        assert len(indices) == len(expected)
        assert not indices[0].any()


@pytest.mark.parametrize(
    "basis",
    [
        mv.polynomial_basis("legendre", 2, 4),
        mv.polynomial_basis("chebyshev", 3, 5, "hyperbolic_cross"),
        mv.TensorBasis(["hermite", "trigonometric"], mv.tensor_degree(2, 2)),
        mv.DiscreteBasis(np.random.default_rng(0).standard_normal((40, 5))),
        mv.DiscreteBasis(np.random.default_rng(0).standard_normal((6, 2)), np.arange(1, 7) / 21),
    ],
    ids=repr,
)
def test_bases_are_orthonormal_and_draw_their_christoffel_density(basis):
    x, weight = basis.quadrature(24)
    phi = basis.evaluate(x)
    np.testing.assert_allclose(phi.T @ (weight[:, None] * phi), np.eye(basis.size), atol=1e-9)
    points, values = basis.draw_christoffel(20000, np.random.default_rng(1))
    np.testing.assert_array_equal(values, basis.evaluate(points))
    # importance weights m / k_m turn the draws back into mu: the Gram matrix is the identity on average
    terms = values[:, :, None] * values[:, None, :] * (basis.size / np.sum(values**2, 1))[:, None, None]
    error = np.abs(terms.mean(0) - np.eye(basis.size)) / (terms.std(0) / np.sqrt(len(points)) + 1e-12)
    assert error.max() < stats.norm.isf(1e-4 / basis.size**2)


def test_tensor_basis_is_a_product():
    basis = mv.TensorBasis("legendre", np.array([[0, 0], [2, 1], [1, 3]]))
    x = np.random.default_rng(0).uniform(-1, 1, (3, 5, 2))
    one, two = Legendre(4).evaluate(x[..., :1]), Legendre(4).evaluate(x[..., 1:])
    np.testing.assert_allclose(
        basis.evaluate(x),
        np.stack([one[..., 0] * two[..., 0], one[..., 2] * two[..., 1], one[..., 1] * two[..., 3]], -1),
    )


def test_discrete_components_follow_their_probabilities():
    basis = mv.DiscreteBasis(np.random.default_rng(3).standard_normal((8, 3)), np.arange(1, 9) / 36)
    x = basis.sample_component(np.full(8000, 1), np.random.default_rng(4))[:, 0]
    expected = 8000 * basis.weight * basis.table[:, 1] ** 2
    assert stats.chisquare(np.bincount(x.astype(int), minlength=8), expected).pvalue > 1e-4


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="degree: got -1"):
        mv.total_degree(2, -1)
    with pytest.raises(ValueError, match="a multi-index twice"):
        mv.TensorBasis("legendre", np.array([[0, 1], [0, 1]]))
    with pytest.raises(ValueError, match="families: got 3 names"):
        mv.TensorBasis(["legendre"] * 3, np.array([[0, 1]]))
    with pytest.raises(ValueError, match="linearly dependent"):
        mv.DiscreteBasis(np.ones((5, 2)))
    with pytest.raises(ValueError, match="sum to 1"):
        mv.DiscreteBasis(np.eye(3), np.ones(3))
    with pytest.raises(ValueError, match="no atom"):
        mv.DiscreteBasis(np.eye(3)).evaluate(np.array([[3.0]]))
    with pytest.raises(ValueError, match="index_set: got 'round'"):
        mv.polynomial_basis("legendre", 2, 3, "round")
    with pytest.raises(ValueError, match="at most 4e6"):
        mv.polynomial_basis("legendre", 6, 2).quadrature(24)
