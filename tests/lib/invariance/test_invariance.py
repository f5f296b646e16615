"""Invariance: gradients by differences, linear programmes by HiGHS, spans and searches by their definitions."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from lib.invariance.advice import invariant_subsets, read_environments
from lib.invariance.families import random_family
from lib.invariance.fixed import draw_programme
from lib.invariance.gradients import gradient, split, stability_weights, subset_moments, violated_share
from lib.invariance.heads import feasible_heads
from lib.invariance.search import (
    candidate_subsets,
    invariant_directions,
    irm,
    pooled_least_squares,
    stable_subsets,
    worst_violation,
)
from lib.invariance.span import (
    covariance_span,
    explicit_basis,
    pac_sample_size,
    pac_share,
    residuals,
    span_bound,
    vc_bound,
)
from lib.scm.linear import random_linear_sem


@pytest.fixture
def family():
    return random_family("random", 8, 2, np.random.default_rng(3))


def _risk(covariance, target, predictor):
    square, cross, own = split(covariance, target)
    return own + np.einsum("eij,i,j->e", square, predictor, predictor) - 2 * cross @ predictor


def test_gradient_is_half_the_derivative_of_the_risk(family):
    rng = np.random.default_rng(0)
    covariance = family.draw(5, rng)
    phi, head = rng.normal(size=(3, 8)), rng.normal(size=3)
    ours = gradient(covariance, family.target, phi, head)
    for i in range(3):
        step = 1e-5 * np.eye(3)[i]
        change = [_risk(covariance, family.target, (head + sign * step) @ phi) for sign in (1, -1)]
        np.testing.assert_allclose(ours[:, i], (change[0] - change[1]) / 4e-5, rtol=1e-5, atol=1e-6)


def test_gradient_vanishes_at_the_true_causes_and_is_linear(family):
    rng = np.random.default_rng(0)
    covariance = family.draw(50, rng)
    parents = family.sem.parents(family.target)
    effects = family.sem.coefficients[family.target, parents]
    assert violated_share(*subset_moments(covariance, parents, family.target), effects, 1e-12)[0] == 0
    phi, head = rng.normal(size=(2, 8)), rng.normal(size=2)
    weights = rng.normal(size=50)
    mixed = gradient(np.einsum("e,eij->ij", weights, covariance)[None], family.target, phi, head)[0]
    np.testing.assert_allclose(mixed, weights @ gradient(covariance, family.target, phi, head))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_heads_are_those_of_highs(k):
    solved = infeasible = 0
    for seed in range(30):
        rng = np.random.default_rng([seed, k])
        family = random_family("random", 10, 2, rng)
        subset = rng.choice(family.covariates(), k, replace=False)
        square, cross = subset_moments(family.draw(12, rng), subset, family.target)
        objectives = rng.normal(size=(2, k))
        heads, holding = feasible_heads(square, cross, 0.5, objectives)
        rows, right = square.reshape(-1, k), cross.ravel()
        for head, held, objective in zip(heads, holding, objectives):
            peer = optimize.linprog(
                objective, A_ub=np.vstack([rows, -rows]), b_ub=np.r_[right + 0.5, 0.5 - right], bounds=(-50, 50)
            )
            if peer.status == 2:
                infeasible += 1
                assert np.isnan(head).all()
                continue
            solved += 1
            assert objective @ head == pytest.approx(peer.fun, rel=1e-6, abs=1e-7)
            values = np.abs(np.einsum("eij,j->ei", square, head) - cross)
            assert values.max() <= 0.5 + 1e-7
            for environment in held[held >= 0]:
                assert values[environment].max() == pytest.approx(0.5, abs=1e-6)
    assert solved > 5
    assert infeasible > 5


def test_more_environments_never_give_a_better_head():
    rng = np.random.default_rng(0)
    family = random_family("random", 6, 2, rng)
    square, cross = subset_moments(family.draw(30, rng), family.sem.parents(family.target), family.target)
    objective = rng.normal(size=(1, cross.shape[1]))
    values = [objective[0] @ feasible_heads(square[:m], cross[:m], 0.3, objective)[0][0] for m in (2, 5, 10, 30)]
    assert np.all(np.diff(values) >= -1e-9)


def test_a_programme_that_stalls_is_solved_by_highs(monkeypatch):
    rng = np.random.default_rng(0)
    family = random_family("random", 6, 2, rng)
    square, cross = subset_moments(family.draw(20, rng), family.sem.parents(family.target), family.target)
    objectives = rng.normal(size=(3, cross.shape[1]))
    heads, holding = feasible_heads(square, cross, 0.3, objectives)
    stalled = lambda *arguments: (np.full_like(heads, np.nan), np.full_like(holding, -1), np.full(3, 2))  # noqa: E731
    monkeypatch.setattr("lib.invariance.heads._heads", stalled)
    others, other_holding = feasible_heads(square, cross, 0.3, objectives)
    np.testing.assert_allclose(others, heads, atol=1e-6)
    for head, held in zip(others, other_holding):  # which of equal constraints is named is arbitrary
        values = np.abs(np.einsum("eij,j->ei", square, head) - cross).max(axis=1)
        np.testing.assert_allclose(values[held[held >= 0]], 0.3)


def test_an_objective_of_zero_and_a_box_that_holds():
    heads, holding = feasible_heads(np.full((1, 1, 1), 1e-6), np.zeros((1, 1)), 1.0, [[1.0], [-1.0]])
    np.testing.assert_array_equal(heads, [[-50], [50]])
    np.testing.assert_array_equal(holding, -1)


@pytest.mark.parametrize("in_degree", [1, 2, 3])
@pytest.mark.parametrize("sites", [1, 2, 3])
def test_covariances_lie_in_the_explicit_basis(in_degree, sites):
    for seed in range(12):
        rng = np.random.default_rng([seed, in_degree, sites])
        family = random_family("random", 9, sites, rng, in_degree=in_degree)
        covariances = family.draw(80, rng)
        basis = explicit_basis(family.sem, family.sites)
        assert len(basis) <= span_bound(sites, in_degree)
        assert residuals(covariances, basis).max() < 1e-10
        _, rank, gap = covariance_span(covariances)
        assert rank <= len(basis)
        assert gap > 1e4
    assert (
        residuals(
            random_family("random", 9, 3, np.random.default_rng(0)).draw(5, np.random.default_rng(1)), basis
        ).max()
        > 1e-3
    )


@pytest.mark.parametrize("in_degree", [1, 2, 3])
def test_rank_of_one_site_is_two_more_than_its_causes(in_degree):
    rng = np.random.default_rng(in_degree)
    sem = random_linear_sem(10, in_degree, rng)
    assert covariance_span(sem.soft([6], 200, rng))[1] == in_degree + 2


def test_rank_does_not_depend_on_scales_order_or_mixing(family):
    rng = np.random.default_rng(0)
    covariances = family.draw(200, rng)
    basis, rank, _ = covariance_span(covariances)
    assert residuals(covariances, basis).max() < 1e-9
    scale = np.exp(rng.normal(size=9))
    order = rng.permutation(9)
    mixing = rng.normal(size=(20, 9))
    for changed in (
        covariances * scale[:, None] * scale,
        covariances[:, order[:, None], order],
        mixing @ covariances @ mixing.T,
    ):
        assert covariance_span(changed)[1] == rank


def test_certificates_hold_and_are_exact_where_they_must_be(family):
    rng = np.random.default_rng(0)
    train = family.draw(14, rng)
    new = family.draw(3, rng)
    assert np.abs(stability_weights(train, train[4])).sum() == pytest.approx(1, abs=1e-6)
    for one in new:
        weights = stability_weights(train, one)
        np.testing.assert_allclose(np.einsum("e,eij->ij", weights, train), one, atol=1e-6 * np.abs(one).max())
        phi, head = rng.normal(size=(2, 8)), rng.normal(size=2)
        bound = np.abs(weights).sum() * np.abs(gradient(train, family.target, phi, head)).max()
        assert np.abs(gradient(one[None], family.target, phi, head)).max() <= bound * (1 + 1e-6)
    assert stability_weights(train[:2], new[0]) is None


def test_pac_bound_and_its_inverse():
    assert pac_sample_size(10, 0.1, 0.05) == math.ceil(800 * math.log2(130))
    share = pac_share(10, 50_000)
    assert pac_sample_size(10, share * 1.001, 0.05) <= 50_000 < pac_sample_size(10, share / 1.001, 0.05)
    assert pac_share(1000, 10) == 1
    assert vc_bound(1, 4) == pytest.approx(16 * math.log2(6))
    with pytest.raises(ValueError, match="delta"):
        pac_sample_size(10, 0, 0.05)


def test_directions_solve_their_equations(family):
    rng = np.random.default_rng(0)
    square, cross, _ = split(family.draw(4, rng), family.target)
    phi, residual = invariant_directions(square, cross, rng.normal(size=(6, 8)))
    values = np.einsum("eij,ai,aj->ae", square, phi, phi) - phi @ cross.T
    np.testing.assert_allclose(np.abs(values).max(axis=1), residual, atol=1e-13)
    assert (residual < 1e-9).sum() >= 5


def test_subsets_are_all_or_as_many_as_asked():
    rng = np.random.default_rng(0)
    everything = candidate_subsets(range(5), [1, 2], rng)
    assert len(everything) == 5 + 10 + 10
    assert len(candidate_subsets(range(9), [7, 8], rng, most=10)) in (10, 11)
    through = candidate_subsets(range(6), [0], rng, through=[5], most=100)
    assert sum(len(one) == 3 for one in through) == math.comb(5, 2)


def test_baselines_are_what_they_say(family):
    rng = np.random.default_rng(0)
    train = family.draw(6, rng)
    square, cross, _ = split(train, family.target)
    pooled = pooled_least_squares(train, family.target)
    np.testing.assert_allclose(square.mean(0) @ pooled, cross.mean(0))
    np.testing.assert_allclose(irm(train, family.target, 0.0), pooled, atol=1e-3)
    slopes = [
        np.abs(np.einsum("eij,i,j->e", square, phi, phi) - cross @ phi).max()
        for phi in (pooled, irm(train, family.target, 1000.0))
    ]
    assert slopes[1] <= slopes[0] + 1e-9
    parents = family.sem.parents(family.target)
    ((subset, head),) = stable_subsets(train, family.target, [parents], 1e-9)
    np.testing.assert_allclose(head, family.sem.coefficients[family.target, subset])


def test_the_worst_violation_is_that_of_some_head(family):
    rng = np.random.default_rng(0)
    train, test = family.draw(8, rng), family.draw(300, rng)
    parents = family.sem.parents(family.target)
    share, feasible, other = worst_violation(train, test, family.target, [parents], 0.2, np.random.default_rng(5))
    objectives = np.random.default_rng(5).standard_normal((3, len(parents)))
    moments = [subset_moments(one, parents, family.target) for one in (train, test)]
    heads, _ = feasible_heads(*moments[0], 0.2, objectives)
    assert feasible == 1
    assert np.isnan(other)
    values = np.abs(np.einsum("eij,hj->hei", moments[1][0], heads) - moments[1][1])
    assert share == pytest.approx((values.max(axis=2) > 0.2 * 1.0001).mean(axis=1).max())


def test_fixed_programmes_have_three_covariates_before_the_target():
    for seed in range(20):
        programme = draw_programme(12, np.random.default_rng(seed))
        assert len(programme.subset) == 3
        assert programme.subset.max() < programme.family.target
        assert set(programme.family.sem.parents(programme.family.target)) <= set(programme.subset)


def test_invariant_subsets_of_a_table(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for environment in range(6):
        cause = rng.normal(size=4000) * rng.uniform(0.5, 2)
        target = cause + rng.normal(size=4000)
        child = rng.uniform(-2, 2) * target + rng.normal(size=4000)
        rows.append(pd.DataFrame({"where": f"e{environment}", "child": child, "y": target, "cause": cause}))
    path = tmp_path / "table.csv"
    pd.concat(rows).to_csv(path, index=False)
    moments, names, sizes = read_environments(path, "y", "where")
    assert names == ["child", "cause"]
    result = invariant_subsets(moments, sizes, 0.05)
    assert result.chosen.tolist() == [[False, True]]
    assert result.violation[0] < 4 * result.noise[0]
    assert result.heads[0, 0] == 0
    frame = pd.read_csv(path)
    for change, words in (
        ({"cause": "x"}, "cause, row 1"),
        ({"cause": 1.0}, "constant"),
        ({"where": "one"}, "environments"),
    ):
        frame.assign(**change).to_csv(path, index=False)
        with pytest.raises(ValueError, match=words):
            read_environments(path, "y", "where")
    with pytest.raises(ValueError, match="named z"):
        read_environments(path, "z", "where")
