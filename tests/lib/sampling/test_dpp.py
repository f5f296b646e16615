"""Projection DPPs against full enumeration, random matrix models and counting identities.

Goodness-of-fit tests fail at p < 1e-4, with fixed seeds: a right sampler would be refused once in ten thousand seeds.
"""

import itertools

import numpy as np
import pytest
from scipy import linalg, special, stats

from lib.sampling import dpp
from lib.sampling.bases import Chebyshev, Hermite, Legendre, Trigonometric
from lib.sampling.measures import christoffel_measure
from lib.sampling.multivariate import DiscreteBasis, polynomial_basis

LEVEL = 1e-4
DRAWS = 4000


def finite_basis(atoms: int, size: int, seed: int = 0) -> DiscreteBasis:
    rng = np.random.default_rng(seed)
    return DiscreteBasis(rng.standard_normal((atoms, size)), rng.dirichlet(np.full(atoms, 5.0)))


def test_every_subset_of_a_finite_set_has_its_determinant_as_probability():
    basis = finite_basis(7, 3)
    subsets = list(itertools.combinations(range(7), 3))
    root = np.sqrt(basis.weight)[:, None] * basis.table
    probability = np.array([np.linalg.det(root[list(s)]) ** 2 for s in subsets])
    assert probability.sum() == pytest.approx(1)  # Cauchy-Binet
    atoms = np.sort(dpp.sample_projection_dpp(basis, np.random.default_rng(1), DRAWS)[..., 0], axis=1).astype(int)
    number = {s: i for i, s in enumerate(subsets)}
    counts = np.bincount([number[tuple(row)] for row in atoms.tolist()], minlength=len(subsets))
    assert stats.chisquare(counts, DRAWS * probability).pvalue > LEVEL


def test_points_are_exchangeable():
    basis = finite_basis(4, 2, seed=2)
    pairs = list(itertools.permutations(range(4), 2))
    log = dpp.log_density(basis, np.array(pairs, dtype=float)[..., None])
    probability = np.exp(log) * basis.weight[np.array(pairs)].prod(1)
    assert probability.sum() == pytest.approx(1)
    atoms = dpp.sample_projection_dpp(basis, np.random.default_rng(3), DRAWS)[..., 0].astype(int)
    counts = np.bincount([pairs.index(tuple(row)) for row in atoms.tolist()], minlength=len(pairs))
    assert stats.chisquare(counts, DRAWS * probability).pvalue > LEVEL


def jacobi_model(m, rng):
    """Eigenvalues of A (A + B)^{-1} for two complex Wishart matrices, as points of [-1, 1]: the Legendre ensemble."""
    x, y = (rng.standard_normal((m, m)) + 1j * rng.standard_normal((m, m)) for _ in range(2))
    a, b = x @ x.conj().T, y @ y.conj().T
    return 2 * linalg.eigh(a, a + b, eigvals_only=True) - 1


def gue_model(m, rng):
    """Eigenvalues of a Gaussian Hermitian matrix with density prop. to exp(-tr H^2 / 2): the Hermite ensemble."""
    x = rng.standard_normal((m, m)) + 1j * rng.standard_normal((m, m))
    return np.linalg.eigvalsh((x + x.conj().T) / 2)


def cue_model(m, rng):
    """Angles of a Haar unitary matrix over 2 pi: the trigonometric ensemble of odd size."""
    return np.angle(np.linalg.eigvals(stats.unitary_group.rvs(m, random_state=rng))) / (2 * np.pi) % 1


def chebyshev_model(m, rng):
    """Cosines of the angles of a Haar matrix of SO(2m): the ensemble of cosines, which is Chebyshev's."""
    angles = np.angle(np.linalg.eigvals(stats.special_ortho_group.rvs(2 * m, random_state=rng)))
    return np.cos(np.sort(angles)[m:])


@pytest.mark.parametrize("sample", [dpp.sample_projection_dpp, dpp.sample_by_chain_rule])
@pytest.mark.parametrize(
    ("basis", "model"),
    [
        (Legendre(6), jacobi_model),
        (Hermite(6), gue_model),
        (Trigonometric(7), cue_model),
        (Chebyshev(5), chebyshev_model),
    ],
    ids=lambda item: getattr(item, "__name__", repr(item)),
)
def test_one_dimensional_processes_are_eigenvalues_of_random_matrices(basis, model, sample):
    rng = np.random.default_rng(5)
    ours = np.sort(sample(basis, rng, DRAWS)[..., 0], axis=1)
    matrices = np.sort([model(basis.size, rng) for _ in range(2000)], axis=1)
    for statistic in (
        lambda x: x[:, -1],
        lambda x: np.diff(x, axis=1).min(1),
        lambda x: np.sum(x**2, axis=1),
        lambda x: x[:, basis.size // 2],
    ):
        assert stats.ks_2samp(statistic(ours), statistic(matrices)).pvalue > LEVEL


@pytest.mark.parametrize(
    ("basis", "cut"),
    [(Legendre(10), 0.0), (Hermite(8), 0.0), (Trigonometric(11), 0.5), (polynomial_basis("legendre", 2, 3), 0.0)],
    ids=repr,
)
def test_counts_have_the_moments_of_a_determinantal_process(basis, cut):
    x = dpp.sample_projection_dpp(basis, np.random.default_rng(6), DRAWS)
    count = np.sum(x[..., 0] < cut, axis=1)
    matrix = basis.half_space_gram(cut)
    nodes, weight = basis.quadrature(200 if basis.dim == 1 else 24)
    phi = basis.evaluate(nodes) * (nodes[:, :1] < cut)
    np.testing.assert_allclose(matrix, phi.T @ (weight[:, None] * phi), atol=1e-12)
    exact = dpp.counting_moments(matrix)
    centred = (count - exact["mean"]) ** 2
    for values, expected in (
        (count, exact["mean"]),
        (count * (count - 1), exact["pairs"]),
        (centred, exact["variance"]),
    ):
        assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(DRAWS))
    assert exact["variance"] < 0.5 * exact["iid_variance"]


def test_single_points_follow_the_christoffel_density():
    basis, rng = Legendre(10), np.random.default_rng(7)
    x = dpp.sample_projection_dpp(basis, rng, DRAWS)
    for k in (0, 5, 9):  # first, middle and last of the chain
        assert stats.kstest(basis.component_cdfs(x[:, k]).mean(-1), "uniform").pvalue > LEVEL


def log_vandermonde(x):
    """Log density of the Hermite process in closed form: the squared Vandermonde determinant over 0! 1! ... m!."""
    i, j = np.triu_indices(len(x), 1)
    return 2 * np.sum(np.log(np.abs(x[i] - x[j]))) - np.sum(special.gammaln(np.arange(1, len(x) + 2)))


@pytest.mark.parametrize("m", [8, 60, 400])
def test_hermite_densities_keep_their_digits(m):
    x = dpp.sample_projection_dpp(Hermite(m), np.random.default_rng(11), 3)
    np.testing.assert_allclose(dpp.log_density(Hermite(m), x), [log_vandermonde(draw[:, 0]) for draw in x], rtol=1e-10)


def test_many_hermite_functions_neither_overflow_nor_give_weights_of_zero():
    basis, rng = Hermite(400), np.random.default_rng(12)
    x, phi = basis.draw_christoffel(40, rng)
    assert np.all(np.isfinite(phi))
    assert np.all(np.abs(x) < 45)
    assert np.all(np.diff(basis.component_cdfs(np.linspace(-50, 50, 300)[:, None]), axis=0) > -1e-13)
    np.testing.assert_array_equal(dpp.acceptance(np.zeros((40, 400, 0)), phi[:, None]), 1)
    with pytest.raises(OverflowError, match="fewer functions"):
        christoffel_measure(basis).weight(x, basis.evaluate(np.array([[0.0], [40.0]])))
    with pytest.raises(ValueError, match="at most 320"):
        basis.quadrature()


def test_large_draws_are_cut_into_rounds(monkeypatch):
    monkeypatch.setattr(dpp, "VALUES_AT_ONCE", 50)
    x = dpp.sample_by_chain_rule(Legendre(5), np.random.default_rng(8), 300)
    assert np.mean(x**2) == pytest.approx(
        np.mean(dpp.sample_by_chain_rule(Legendre(5), np.random.default_rng(9), 4000) ** 2), abs=0.03
    )


def test_gram_schmidt_keeps_orthogonality():
    rng = np.random.default_rng(10)
    q = np.linalg.qr(rng.standard_normal((4, 30, 12)))[0]
    near = np.einsum("bmk,bk->bm", q, rng.standard_normal((4, 12))) + 1e-7 * rng.standard_normal((4, 30))
    part = dpp.orthogonal_part(q, near)
    assert np.max(np.abs(np.einsum("bmk,bm->bk", q, part))) < 1e-15
    with pytest.raises(RuntimeError, match="lost their orthogonality"):
        dpp.acceptance(1.01 * q, np.einsum("bmk,bk->bm", q, np.ones((4, 12)))[:, None])


def test_degenerate_sizes():
    rng = np.random.default_rng(0)
    assert dpp.sample_projection_dpp(Legendre(4), rng, 0).shape == (0, 4, 1)
    assert dpp.sample_projection_dpp(Legendre(1), rng, 3).shape == (3, 1, 1)
    whole = dpp.sample_projection_dpp(finite_basis(4, 4), rng, 50)  # as many functions as atoms: all of them
    np.testing.assert_array_equal(np.sort(whole[..., 0], axis=1), np.tile(np.arange(4.0), (50, 1)))
    with pytest.raises(ValueError, match="size: got -1"):
        dpp.sample_projection_dpp(Legendre(4), rng, -1)
    with pytest.raises(ValueError, match="expected 4"):
        dpp.log_density(Legendre(4), np.zeros((3, 1)))
