"""Exact laws of exchangeable pairs, and the generators' defining relations."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from lib.scm import exchangeable as e

PRIORS = [(1, 3), (2, 1), (1, 4)]


def test_exact_law_sums_to_one_and_is_exchangeable():
    table = e.beta_table(PRIORS)
    assert sum(table.values()) == 1
    assert all(table[x1, y1, x2, y2] == table[x2, y2, x1, y1] for x1, y1, x2, y2 in table)


def test_known_gaps():
    table = e.beta_table(PRIORS)
    assert e.gap(table, e.X1, e.Y2, e.X2) == 0
    assert e.gap(table, e.Y1, e.X2, e.Y2) == Fraction(16, 1815)


def test_moments_are_those_of_the_beta_law():
    theta = stats.beta(2, 5)
    assert float(e.beta_moment(2, 5, 3, 2)) == pytest.approx(theta.expect(lambda t: t**3 * (1 - t) ** 2))


def test_a_product_of_margins_satisfies_the_independence():
    half = Fraction(1, 2)
    prior = [(half, (Fraction(1, 5), Fraction(1, 4), half)), (half, (Fraction(4, 5), half, Fraction(9, 10)))]
    assert e.gap(e.atom_table(prior), e.X1, e.Y2, e.X2) == Fraction(24, 625)
    assert e.gap(e.atom_table(e.product_prior(prior)), e.X1, e.Y2, e.X2) == 0


def test_binary_data_follow_their_equations():
    rng = np.random.default_rng(0)
    edges = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)
    data = e.binary(edges, 20000, 2, rng)
    product = data[0] & data[1]
    flipped = (data[2] ^ product).mean()
    assert flipped == pytest.approx(0.25, abs=0.015)  # E[Beta(1, 3)]
    both = (data[0, :, 0] & data[0, :, 1]).mean()
    assert both == pytest.approx(0.1, abs=0.015)  # E[theta^2], not 1/16: samples of one environment are dependent
    np.testing.assert_array_equal(
        e.binary((0, 0, 3), 20, 2, np.random.default_rng(9)), e.binary(edges, 20, 2, np.random.default_rng(9))
    )
    with pytest.raises(ValueError, match="topological order"):
        e.binary(edges.T, 10, 2, rng)


def test_pairs_have_a_direction_in_a_third_of_the_cases_each():
    rng = np.random.default_rng(1)
    modes = [e.bivariate(4, 2, rng)[1] for _ in range(600)]
    assert stats.chisquare(np.bincount(modes, minlength=3)).pvalue > 1e-3
    data, _ = e.bivariate(7, 3, rng)
    assert data.shape == (2, 7, 3)
    assert len({tuple(row) for row in e.bivariate(5, 3, rng)[0].reshape(-1, 3).tolist()}) == 10


def test_random_graphs_leave_no_node_alone():
    rng = np.random.default_rng(2)
    for _ in range(50):
        edges = e.random_dag(4, rng)
        assert (edges.any(axis=0) | edges.any(axis=1)).all()
        assert not np.tril(edges).any()


def test_pairs_come_from_one_environment_and_a_lonely_row_is_named():
    environment = np.array(["b", "a", "b", "a", "b"])
    values = np.column_stack([np.arange(5), np.arange(5) * 10])
    pairs = e.pairs_by_environment(values, environment, np.random.default_rng(0))
    assert pairs.shape == (2, 2, 2)
    assert sorted(pairs[0, 0].tolist()) == [1, 3]
    assert set(pairs[0, 1].tolist()) < {0, 2, 4}
    np.testing.assert_array_equal(pairs[1], 10 * pairs[0])
    with pytest.raises(ValueError, match="environment c: got one row"):
        e.pairs_by_environment(np.zeros((3, 1)), np.array(["a", "a", "c"]), np.random.default_rng(0))


def test_random_priors_are_laws_with_distinct_values():
    rng = np.random.default_rng(3)
    for _ in range(20):
        prior = e.random_prior(rng)
        assert sum(weight for weight, _ in prior) == 1
        for values in zip(*(values for _, values in prior)):
            assert len(set(values)) == len(prior) in (2, 3)
            assert all(Fraction(1, 20) <= value <= Fraction(19, 20) for value in values)


def test_both_factorisations_rebuild_the_same_joint_frequencies():
    counts = e.beta_bernoulli_pairs(50, 40, PRIORS, np.random.default_rng(4))
    x, y_given_0, y_given_1 = e.mechanism_estimates(counts)
    y, x_given_0, x_given_1 = e.mechanism_estimates(counts.exchanged())
    np.testing.assert_allclose(x * y_given_1, y * x_given_1)
    np.testing.assert_allclose((1 - x) * y_given_0 + x * y_given_1, y)
    np.testing.assert_allclose((1 - y) * x_given_0 + y * x_given_1, x)


def test_pair_counts_have_the_moments_of_their_priors():
    counts = e.beta_bernoulli_pairs(20000, 30, PRIORS, np.random.default_rng(5))
    cases = (counts.x >= 0, counts.x < 30, counts.x > 0)  # a frequency without cases is 1/2
    for estimate, among, (alpha, beta) in zip(e.mechanism_estimates(counts), cases, PRIORS):
        assert estimate[among].mean() == pytest.approx(alpha / (alpha + beta), abs=0.02)
    nobody = e.PairCounts(10, np.array([0]), np.array([4]), np.array([0]))
    assert [float(value[0]) for value in e.mechanism_estimates(nobody)] == [0.0, 0.4, 0.5]


def test_scales_of_the_published_generator_give_the_direction_away_and_random_ones_do_not():
    rng = np.random.default_rng(9)
    larger = np.zeros((2, 2))
    for _ in range(400):
        data, mode = e.bivariate(40, 2, rng)
        if mode < 2:
            for i, values in enumerate((data, e.random_scales(data, rng))):
                effect_is_larger = values[1 - mode].var() > values[mode].var()
                larger[i] += effect_is_larger, 1
    assert larger[0, 0] / larger[0, 1] > 0.97
    assert stats.binomtest(int(larger[1, 0]), int(larger[1, 1])).pvalue > 1e-3


def test_random_scales_change_units_alone():
    data, _ = e.bivariate(30, 2, np.random.default_rng(10))
    ratio = e.random_scales(data, np.random.default_rng(11)) / data
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape))


@pytest.mark.parametrize(("parity", "expected"), [(False, 0.25), (True, 0.5)])
def test_parents_enter_by_their_product_or_their_parity(parity, expected):
    """What is left of a child without it is noise of its own, independent of the parents."""
    graph = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)
    a, b, child = e.binary(graph, 20000, 1, np.random.default_rng(12), alpha=1, beta=1, parity=parity)[..., 0]
    noise = child ^ ((a ^ b) if parity else (a & b))
    assert noise.mean() == pytest.approx(0.5, abs=0.02)
    assert abs(np.corrcoef(noise, a)[0, 1]) < 0.03
    assert ((a ^ b) if parity else (a & b)).mean() == pytest.approx(expected, abs=0.02)
