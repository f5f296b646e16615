import itertools

import mpmath
import numpy as np
import pytest

from lib.regression.ill_conditioned import draw_columns, random_support, unit_columns
from lib.regression.many_digits import check_lemma, exact_cauchy, geometric_factor
from lib.regression.preconditioner import (
    columns_needed,
    default_size,
    distances_within,
    failure_bound,
    largest_cost,
    precondition,
    random_column_preconditioner,
    residualise,
    spanning_basis,
    violates,
)


def design(kind, rows=40, dim=30, spread=1e6, seed=0):
    return unit_columns(draw_columns(kind, rows, dim, spread, np.random.default_rng(seed)))[0]


def bad_share(x, sparsity, size):
    """Share of all supports and all disjoint choices of columns with a violation at the first place of the support."""
    dim, bad, total = x.shape[1], 0, 0
    for i in range(dim):
        others = [j for j in range(dim) if j != i]
        for rest in itertools.combinations(others, sparsity - 1):
            within = distances_within(x, [i, *rest])[0]
            for chosen in itertools.combinations([j for j in others if j not in rest], size):
                total += 1
                bad += precondition(x, chosen).distances[i] > within * (1 + 1e-9)
    return bad / total


@pytest.mark.parametrize("kind", ["iid", "factor", "pairs", "ar"])
def test_no_column_is_bad_more_often_than_the_intersecting_families_allow(kind):
    x = design(kind, rows=9, dim=6)
    for sparsity, size in ((2, 2), (3, 2), (3, 3)):
        assert bad_share(x, sparsity, size) <= (sparsity - 1) / (size + sparsity - 1) + 1e-12


def test_the_share_is_attained_where_one_other_column_decides():
    # column 0 is twice column 1, the rest orthogonal: bad for column 0 exactly where column 1 is in the support
    x = np.eye(7)[:, :6].copy()
    x[:, 0] = 2 * x[:, 1]
    bad = total = 0
    for rest in itertools.combinations(range(1, 6), 2):
        for chosen in itertools.combinations([j for j in range(1, 6) if j not in rest], 3):
            total += 1
            bad += precondition(x, chosen).distances[0] > distances_within(x, [0, *rest])[0] * (1 + 1e-9)
    assert bad / total == pytest.approx(2 / 5)


def test_distances_are_residuals_of_least_squares():
    x = design("ar")
    pre = precondition(x, [3, 7, 20])
    chosen = x[:, [3, 7, 20]]
    for i in (0, 5, 29):
        residual = x[:, i] - chosen @ np.linalg.lstsq(chosen, x[:, i], rcond=None)[0]
        assert pre.distances[i] == pytest.approx(np.linalg.norm(residual), rel=1e-10)
    assert (pre.distances[[3, 7, 20]] == 0).all()
    np.testing.assert_allclose(pre.basis.T @ pre.basis, np.eye(3), atol=1e-14)


def test_distances_keep_their_digits_beside_a_large_common_part():
    rng = np.random.default_rng(1)
    common, own = rng.standard_normal(50), rng.standard_normal((50, 8))
    x = common[:, None] + 1e-7 * own
    basis = spanning_basis(x[:, :4])
    with mpmath.workdps(50):
        columns = [[mpmath.mpf(v) for v in column] for column in x.T]
        gram = mpmath.matrix(4, 4)
        for a, b in itertools.product(range(4), repeat=2):
            gram[a, b] = mpmath.fdot(columns[a], columns[b])
        right = mpmath.matrix([mpmath.fdot(columns[a], columns[6]) for a in range(4)])
        weights = mpmath.lu_solve(gram, right)
        rest = [v - sum(weights[a] * columns[a][n] for a in range(4)) for n, v in enumerate(columns[6])]
        truth = float(mpmath.sqrt(mpmath.fdot(rest, rest)))
    assert np.linalg.norm(residualise(x[:, 6], basis)) == pytest.approx(truth, rel=1e-7)


def test_the_cost_is_the_maximum_over_coefficients():
    rng = np.random.default_rng(2)
    x, support = design("iid", dim=10), [1, 4, 8]
    distances = rng.uniform(0.5, 2, 3)
    largest = largest_cost(x, support, distances)
    drawn = rng.standard_normal((200_000, 3))
    costs = np.abs(drawn) @ distances / (3 * np.linalg.norm(drawn @ x[:, support].T, axis=1))
    assert costs.max() <= largest * (1 + 1e-12)
    assert costs.max() == pytest.approx(largest, rel=0.02)


@pytest.mark.parametrize("kind", ["iid", "factor", "multifactor", "ar", "pairs"])
def test_without_a_violation_the_cost_is_at_most_one(kind):
    x, clean = design(kind, dim=60), 0
    for seed in range(40):
        support = random_support(60, 3, np.random.default_rng([seed, 0]))
        pre = random_column_preconditioner(x, 12, np.random.default_rng([seed, 1]))
        if not violates(x, support, pre):
            clean += 1
            assert largest_cost(x, support, pre.distances[support]) <= 1 + 1e-6
    assert clean > 20


def test_many_digits_agree_with_doubles_and_go_beyond_them():
    rng = np.random.default_rng(3)
    shifts = rng.uniform(0.01, 1, 12)
    columns = exact_cauchy(20, shifts)
    x = np.array([[float(v) for v in column] for column in columns]).T
    support, chosen = [0, 5, 9], [2, 7]
    _, cost = check_lemma(columns, support, chosen)
    assert cost == pytest.approx(largest_cost(x, support, precondition(x, chosen, 1e-15).distances[support]), rel=1e-6)
    far = geometric_factor(15, rng.integers(0, 200, 12), rng)
    violated, cost = check_lemma(far, [0, 1, 2], [3, 4, 5, 6, 7, 8, 9, 10], digits=200)
    assert violated or cost <= 1


def test_sizes():
    assert failure_bound(4, 32) == pytest.approx(12 / 35)
    assert failure_bound(1, 0) == 0
    for sparsity, failure in ((2, 0.1), (4, 0.3), (7, 0.01)):
        size = columns_needed(sparsity, failure)
        assert failure_bound(sparsity, size) <= failure < failure_bound(sparsity, size - 1)
    assert default_size(300, 4) == 32
    assert default_size(40, 4) == 10


def test_dependent_and_zero_columns_lie_in_the_span():
    x = design("iid", rows=12, dim=8)
    x = np.hstack([x, x[:, :2], np.zeros((12, 1))])
    pre = precondition(x, [0, 8])
    assert pre.basis.shape == (12, 1)
    np.testing.assert_array_equal(pre.distances[[0, 8, 10]], 0)
    assert pre.distances[[1, 9]].min() > 0
    assert precondition(x, []).basis.shape == (12, 0)


def test_bad_input_is_refused():
    x = design("iid", rows=6, dim=10)
    for columns in ([0, 10], [-1]):
        with pytest.raises(ValueError, match="columns"):
            precondition(x, columns)
    with pytest.raises(ValueError, match="columns: got 6"):
        precondition(x, range(6))
    with pytest.raises(ValueError, match="finite"):
        precondition(np.full((6, 10), np.inf), [0])
    with pytest.raises(ValueError, match="size"):
        random_column_preconditioner(x, 11, np.random.default_rng(0))
    with pytest.raises(ValueError, match="failure"):
        columns_needed(3, 1.0)
    with pytest.raises(ValueError, match="support"):
        largest_cost(np.eye(20), range(17), np.ones(17))
