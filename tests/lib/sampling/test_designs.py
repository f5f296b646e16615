"""Designs against enumeration of all point sequences of a small finite set, and against their identities.

Goodness-of-fit tests fail at p < 1e-4, with fixed seeds: a right sampler would be refused once in ten thousand seeds.
"""

import itertools
from math import factorial

import numpy as np
import pytest
from scipy import stats

from lib.regression.weighted import concentration_constant, inverse_gram_mean, weighted_least_squares
from lib.sampling import designs, measures
from lib.sampling.bases import Hermite, Legendre, Trigonometric
from lib.sampling.multivariate import DiscreteBasis, polynomial_basis

LEVEL = 1e-4
DRAWS = 6000
ATOMS, SIZE, POINTS = 5, 2, 3
MEASURES = {
    "reference": measures.reference_measure,
    "christoffel": measures.christoffel_measure,
    "damped": measures.damped_measure,
}


@pytest.fixture(scope="module")
def basis():
    rng = np.random.default_rng(0)
    return DiscreteBasis(rng.standard_normal((ATOMS, SIZE)), rng.dirichlet(np.full(ATOMS, 5.0)))


def all_sequences(basis, measure):
    """Every sequence of atoms with its probability under nu^n, and Phi^T W Phi."""
    sequences = np.array(list(itertools.product(range(ATOMS), repeat=POINTS)))
    atoms = np.arange(ATOMS, dtype=float)[:, None]
    w = measure.weight(atoms, basis.table)
    nu = basis.weight / w
    assert nu.sum() == pytest.approx(1)  # a probability
    return sequences, nu[sequences].prod(1), POINTS * designs.gram(basis.table[sequences], w[sequences])


def fits(counts, expected):
    """p-value of a chi-square test, cells of fewer than five expected draws put together."""
    rare = expected < 5
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 5:
        counts, expected = np.append(counts[:-2], counts[-2:].sum()), np.append(expected[:-2], expected[-2:].sum())
    return stats.chisquare(counts, expected).pvalue


def counts_of(sequences, x):
    number = x[..., 0].astype(int) @ ATOMS ** np.arange(POINTS)[::-1]
    return np.bincount(number, minlength=len(sequences))


@pytest.mark.parametrize("name", MEASURES)
def test_volume_sampling_has_the_determinantal_law(basis, name):
    measure = MEASURES[name](basis)
    sequences, iid, matrices = all_sequences(basis, measure)
    determinant = np.linalg.det(matrices)
    normaliser = iid @ determinant
    assert normaliser == pytest.approx(factorial(POINTS) / factorial(POINTS - SIZE))
    law = iid * determinant / normaliser
    # the mean of the inverse is I / (n - m + 1) up to the adjugates of singular matrices, which atoms make possible
    adjugate = np.trace(matrices, axis1=1, axis2=2)[:, None, None] * np.eye(SIZE) - matrices  # of a 2 x 2 matrix
    np.testing.assert_allclose(
        np.einsum("s,sij->ij", iid, adjugate) / normaliser, np.eye(SIZE) / (POINTS - SIZE + 1), atol=1e-12
    )
    solvable = determinant > 1e-12
    mean = np.einsum("s,sij->ij", law[solvable], np.linalg.inv(matrices[solvable]))
    assert np.linalg.eigvalsh(np.eye(SIZE) / (POINTS - SIZE + 1) - mean)[0] > 0
    x = designs.sample_volume(basis, POINTS, measure, np.random.default_rng(1), DRAWS)
    counts = counts_of(sequences, x)
    possible = law > 1e-12
    assert counts[~possible].sum() == 0
    assert fits(counts[possible], DRAWS * law[possible]) > LEVEL


@pytest.mark.parametrize("name", MEASURES)
def test_independent_points_have_the_product_law(basis, name):
    measure = MEASURES[name](basis)
    sequences, iid, _ = all_sequences(basis, measure)
    x = designs.sample_iid(basis, POINTS, measure, np.random.default_rng(2), DRAWS)
    assert fits(counts_of(sequences, x), DRAWS * iid) > LEVEL


@pytest.mark.parametrize("volume", [False, True])
def test_conditioned_designs_have_the_restricted_law(basis, volume):
    measure = measures.christoffel_measure(basis)
    sequences, law, matrices = all_sequences(basis, measure)
    if volume:
        law = law * np.linalg.det(matrices)
    good = np.linalg.eigvalsh(matrices / POINTS)[:, 0] >= 0.6
    law = np.where(good, law, 0) / np.sum(law[good]), np.sum(law[good]) / np.sum(law)
    design = designs.sample_design(
        "vol_cond" if volume else "iid_cond", basis, POINTS, np.random.default_rng(3), DRAWS, 0.4
    )
    counts = counts_of(sequences, design.x)
    assert counts[~good].sum() == 0
    assert fits(counts[good], DRAWS * law[0][good]) > LEVEL
    # the number of tries is geometric
    assert np.mean(design.tries) == pytest.approx(1 / law[1], abs=4 * np.sqrt(1 - law[1]) / law[1] / np.sqrt(DRAWS))


def test_repeated_copies_are_independent_processes():
    basis = Trigonometric(5)
    x = designs.sample_repeated_dpp(basis, 15, np.random.default_rng(4), 2000)
    assert x.shape == (2000, 15, 1)
    counts = np.sum(x[..., 0].reshape(2000, 3, 5) < 0.3, axis=2)
    correlation = np.corrcoef(counts.T)
    assert np.max(np.abs(correlation - np.eye(3))) < 4.5 / np.sqrt(2000)
    y = designs.sample_repeated_volume(basis, 2, 7, measures.christoffel_measure(basis), np.random.default_rng(5), 10)
    assert y.shape == (10, 14, 1)


def test_points_of_an_incomplete_copy_have_the_christoffel_density():
    """The process is drawn as eigenvalues in ascending order: without a permutation the first points would be small."""
    basis = Legendre(4)
    x = designs.sample_repeated_dpp(basis, 6, np.random.default_rng(12), 3000)
    assert x.shape == (3000, 6, 1)
    for point in (4, 5):
        assert stats.kstest(basis.component_cdfs(x[:, point]).mean(-1), "uniform").pvalue > LEVEL
    # two points of the incomplete copy repel each other: E K(x, y)^2 / (k(x) k(y)) is below that of independent points
    phi = basis.evaluate(x)
    phi /= np.linalg.norm(phi, axis=-1, keepdims=True)
    within, between = (np.sum(phi[:, 4] * phi[:, i], axis=-1) ** 2 for i in (5, 0))
    assert np.mean(between) == pytest.approx(1 / basis.size, abs=4 * np.std(between) / np.sqrt(3000))
    assert np.mean(within) < np.mean(between) - 10 * np.std(within) / np.sqrt(3000)
    # the mean of G stays I
    design = designs.sample_design("rep", basis, 6, np.random.default_rng(13), 3000)
    matrices = designs.gram(design.phi, design.w)
    assert np.all(np.abs(matrices.mean(0) - np.eye(4)) < 4.5 * matrices.std(0) / np.sqrt(3000))


@pytest.fixture(scope="module")
def cells():
    """Piecewise constants on six cells of eight atoms with probabilities of their own."""
    weight = np.random.default_rng(14).dirichlet(np.full(48, 5.0))
    return DiscreteBasis(np.repeat(np.eye(6), 8, axis=0), weight)


@pytest.mark.parametrize("strategy", ["dpp", "rep"])
def test_piecewise_constants_have_one_point_in_each_cell_and_the_gram_matrix_is_the_identity(cells, strategy):
    """Examples 4.2 and 5.2 of Nouy and Michel."""
    n = 6 if strategy == "dpp" else 18
    design = designs.sample_design(strategy, cells, n, np.random.default_rng(15), 100)
    cell = np.sort(design.x[..., 0].astype(int).reshape(100, n // 6, 6) // 8, axis=2)
    np.testing.assert_array_equal(cell, np.broadcast_to(np.arange(6), cell.shape))
    np.testing.assert_allclose(designs.gram(design.phi, design.w), np.broadcast_to(np.eye(6), (100, 6, 6)), atol=1e-12)


@pytest.mark.parametrize("basis", [Legendre(6), Hermite(5), polynomial_basis("legendre", 2, 2)], ids=repr)
def test_volume_sampling_keeps_the_bounds_of_the_smallest_eigenvalue(basis):
    """Lemmas 4.8 and 4.9 of Nouy and Michel, with the optimal reference (alpha = 1)."""
    m, draws = basis.size, 3000
    for n in (m, 2 * m, 4 * m):
        smallest = designs.sample_design("vol", basis, n, np.random.default_rng(16), draws).eigenvalues[:, 0]
        if n > m:  # at n = m the inverse has no variance
            inverse = 1 / smallest
            assert np.mean(inverse) <= n * m / (n - m + 1) + 4 * np.std(inverse) / np.sqrt(draws)
            assert np.mean(inverse) >= n / (n - m + 1) - 4 * np.std(inverse) / np.sqrt(draws)  # of the mean eigenvalue
        for delta in (0.25, 0.5, 0.75):
            share = np.mean(smallest < (1 - delta) * (n - m) / n)
            bound = min(1, m * np.exp(-concentration_constant(delta) * (n - m) / m))
            assert share <= bound + 4 * np.sqrt(bound * (1 - bound) / draws)
    # the tail bound says something, and is not met by chance
    n = 12 * m
    smallest = designs.sample_design("vol", basis, n, np.random.default_rng(17), 300).eigenvalues[:, 0]
    assert m * np.exp(-concentration_constant(0.75) * (n - m) / m) < 0.2
    assert np.mean(smallest < 0.25 * (n - m) / n) < 0.2


@pytest.mark.parametrize(
    "basis", [Legendre(6), Hermite(5), Trigonometric(7), polynomial_basis("legendre", 2, 2)], ids=repr
)
@pytest.mark.parametrize("strategy", ["vol", "vol_mu", "damped_vol"])
def test_volume_sampling_inverts_the_gram_matrix_and_is_unbiased(basis, strategy):
    n, draws, rng = 4 * basis.size, 2000, np.random.default_rng(6)
    design = designs.sample_design(strategy, basis, n, rng, draws)
    scaled = (n - basis.size + 1) * inverse_gram_mean(design.phi, design.w)
    assert np.mean(scaled) == pytest.approx(1, abs=4 * np.std(scaled) / np.sqrt(draws))
    coef = weighted_least_squares(design.phi, design.w, np.exp(design.x[..., 0] / 2))
    x, weight = basis.quadrature(200 if basis.dim == 1 else 24)
    exact = basis.evaluate(x).T @ (weight * np.exp(x[:, 0] / 2))
    bias, se = coef.mean(0) - exact, coef.std(0) / np.sqrt(draws)
    assert np.linalg.norm(bias) <= 4 * np.linalg.norm(se)


def test_independent_points_fail_the_inverse_identity():
    """The test above can fail: the same statistic for independent points is far from 1."""
    basis, rng = Legendre(10), np.random.default_rng(7)
    design = designs.sample_design("iid", basis, 20, rng, 2000)
    assert np.median(11 * inverse_gram_mean(design.phi, design.w)) > 1.4


def test_weights_are_inverse_densities():
    basis, features = Legendre(5), Legendre(30)
    eigenvalues = (1.0 + np.arange(30)) ** -3
    x, weight = basis.quadrature()
    phi = basis.evaluate(x)
    kernel = features.evaluate(x) ** 2 @ eigenvalues
    for measure in (
        *(make(basis) for make in MEASURES.values()),
        measures.kernel_measure(basis, features, eigenvalues),
    ):
        w = measure.weight(x, phi)
        assert np.sum(weight / w) == pytest.approx(1)  # nu is a probability
        # draws of nu, weighted with dmu/dnu, have the moments of mu
        points = measure.draw(20000, np.random.default_rng(8))
        terms = measure.weight(points, basis.evaluate(points)) * points[:, 0] ** 2
        assert np.mean(terms) == pytest.approx(1 / 3, abs=4 * np.std(terms) / np.sqrt(len(terms)))
    assert np.max(measures.damped_measure(basis).weight(x, phi)) <= 2
    assert np.max(w * kernel) <= 2 * eigenvalues.sum()


def test_every_strategy_has_the_christoffel_weights_or_its_own():
    basis, rng = Legendre(4), np.random.default_rng(9)
    for strategy, (_, make) in designs.STRATEGIES.items():
        n = 4 if strategy == "dpp" else 8
        design = designs.sample_design(strategy, basis, n, rng, 3)
        np.testing.assert_allclose(design.w, make(basis).weight(design.x, design.phi))
        np.testing.assert_allclose(
            design.eigenvalues, np.linalg.eigvalsh(np.einsum("rn,rni,rnj->rij", design.w, design.phi, design.phi) / n)
        )
        assert design.x.shape == (3, n, 1)
        assert np.all(design.tries == 1)


@pytest.mark.parametrize(
    ("strategy", "sizes"),
    [
        ("iid", [6, 9, 20]),
        ("vol", [5, 6, 20]),
        ("vol_mu", [5, 12]),
        ("rep", [5, 15]),
        ("rep", [7, 9, 11, 23]),
        ("rvol", [10, 30]),
    ],
)
def test_growing_designs_have_the_law_of_fresh_ones(strategy, sizes):
    basis, rng = Legendre(5), np.random.default_rng(11)
    path = list(designs.growing_gram(strategy, basis, sizes, rng, 3000))
    assert [n for n, _ in path] == sizes
    for n, matrices in path:
        fresh = designs.sample_design(strategy, basis, n, rng, 3000)
        growing = np.linalg.eigvalsh(matrices)
        for k in (0, 2, 4):
            assert stats.ks_2samp(growing[:, k], fresh.eigenvalues[:, k]).pvalue > LEVEL
    with pytest.raises(ValueError, match="expected ascending numbers"):
        list(designs.growing_gram("iid", basis, [8, 8], rng))
    with pytest.raises(ValueError, match="strategy: got 'grid'"):
        list(designs.growing_gram("grid", basis, [8], rng))


def test_conditioning_that_fails_is_an_error_or_marked():
    basis, rng = Legendre(10), np.random.default_rng(10)
    with pytest.raises(designs.ConditioningFailed, match="4 of 4 designs"):
        designs.sample_design("iid_cond", basis, 10, rng, 4, max_tries=5)
    failed = designs.sample_design("iid_cond", basis, 10, rng, 4, max_tries=5, on_failure="keep")
    assert not failed.accepted.any()
    np.testing.assert_array_equal(failed.tries, 5)


def test_bad_arguments_are_named():
    basis, rng = Legendre(4), np.random.default_rng(0)
    with pytest.raises(ValueError, match="strategy: got 'grid'"):
        designs.sample_design("grid", basis, 8, rng)
    with pytest.raises(ValueError, match="n: got 3, expected at least the number of functions, 4"):
        designs.sample_design("vol", basis, 3, rng)
    with pytest.raises(ValueError, match="n: got 0 for rep, expected a positive multiple of 1"):
        designs.sample_design("rep", basis, 0, rng)
    with pytest.raises(ValueError, match="n: got 12 for rvol, expected a positive multiple of 8"):
        designs.sample_design("rvol", basis, 12, rng)
    with pytest.raises(ValueError, match="n: got 8 for dpp, expected 4"):
        designs.sample_design("dpp", basis, 8, rng)
    for delta in (0, 1, -0.5):
        with pytest.raises(ValueError, match="delta: got"):
            designs.sample_design("iid_cond", basis, 8, rng, delta=delta)
    with pytest.raises(ValueError, match="max_tries: got 0"):
        designs.sample_design("iid_cond", basis, 8, rng, max_tries=0)
    with pytest.raises(ValueError, match="n: got 0"):
        designs.sample_repeated_dpp(basis, 0, rng)
    with pytest.raises(ValueError, match="n: got 0"):
        designs.sample_iid(basis, 0, measures.reference_measure(basis), rng)
    with pytest.raises(ValueError, match="eigenvalues: got"):
        measures.kernel_measure(basis, Legendre(5), np.ones(4))
