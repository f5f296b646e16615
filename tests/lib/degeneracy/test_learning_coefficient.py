"""Langevin estimates: regular and singular models with known coefficients, exact stationary laws, refusals."""

import numpy as np
import pytest
import torch

from lib.degeneracy.learning_coefficient import (
    NotMixed,
    ReducedRank,
    learning_coefficient,
    reduced_rank_coefficient,
    reduced_rank_loss,
    reduced_rank_truth,
    sgld,
    split_r_hat,
)


def _estimate(loss, size, *, strength, scale, steps, chains=64, **options):
    losses = sgld(
        loss, torch.zeros(1, size, dtype=torch.float64), strength=strength, step_size=scale / strength, steps=steps,
        chains=chains, generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return learning_coefficient(losses[:, 0], strength=strength, burn=steps // 4, **options)


def test_a_regular_model_has_half_its_parameters():
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((200, 6)))
    gram = x.T @ x / len(x)

    def loss(theta):
        return (theta @ gram * theta).sum(-1), 2 * theta @ gram

    estimate = _estimate(loss, 6, strength=1e4, scale=0.05, steps=2000)
    assert estimate.value == pytest.approx(3, abs=0.15)
    assert estimate.mixed


def test_a_quartic_has_a_quarter():
    estimate = _estimate(lambda t: ((t**4).sum(-1), 4 * t**3), 1, strength=1e6 / np.log(1e6), scale=0.5, steps=6000)
    assert estimate.value == pytest.approx(0.25, abs=0.03)


def test_reduced_rank_regression_recovers_its_coefficient():
    case = ReducedRank(4, 3, 3, 3)
    truth = reduced_rank_truth(case, np.random.default_rng(0))[None]
    losses = sgld(
        reduced_rank_loss(case, truth), truth, strength=1e4, step_size=5e-6, steps=1500, chains=32,
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    estimate = learning_coefficient(losses[:, 0], strength=1e4, burn=500)
    assert estimate.value == pytest.approx(6, rel=0.1)
    with pytest.raises(ValueError, match="expected 2 chains"):
        learning_coefficient(losses[:, 0, :1], strength=1e4, burn=0)


def test_chains_at_a_degenerate_point_are_refused_while_they_still_spread():
    case = ReducedRank(4, 3, 3, 0)
    truth = reduced_rank_truth(case, np.random.default_rng(0))[None]
    losses = sgld(
        reduced_rank_loss(case, truth), truth, strength=7e4, step_size=0.05 / 7e4, steps=1000, chains=16,
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    with pytest.raises(NotMixed, match="take more steps"):
        learning_coefficient(losses[:, 0], strength=7e4, burn=250)
    estimate = learning_coefficient(losses[:, 0], strength=7e4, burn=250, refuse=False)
    assert not estimate.mixed
    assert estimate.value < 0.75 * case.coefficient


def test_gradient_of_the_reduced_rank_loss_is_that_of_autodiff():
    case, rng = ReducedRank(4, 2, 3, 1), np.random.default_rng(2)
    truths = torch.stack([reduced_rank_truth(case, rng) for _ in range(2)])
    theta = torch.from_numpy(rng.standard_normal((2, 3, case.parameters))).requires_grad_(True)
    first, second = theta[..., :8].view(2, 3, 2, 4), theta[..., 8:].view(2, 3, 3, 2)
    true = truths[:, 8:].view(2, 1, 3, 2) @ truths[:, :8].view(2, 1, 2, 4)
    loss = ((second @ first - true) ** 2).sum((2, 3))
    ours, gradient = reduced_rank_loss(case, truths)(theta.detach())
    torch.testing.assert_close(ours, loss.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(loss.sum(), theta)[0])
    assert np.linalg.matrix_rank(true[0, 0].numpy()) == 1


@pytest.mark.parametrize(
    ("case", "coefficient", "rank"),
    [((4, 3, 3, 3), 6, 12), ((4, 3, 3, 2), 5.5, 10), ((4, 3, 3, 1), 5, 6), ((4, 3, 3, 0), 4, 0), ((6, 6, 6, 2), 16, 20),
     ((6, 2, 6, 2), 10, 20)],
)  # fmt: skip
def test_known_coefficients_lie_between_half_the_rank_and_half_the_parameters(case, coefficient, rank):
    case = ReducedRank(*case)
    assert case.coefficient == coefficient
    assert case.hessian_rank == rank
    truth = reduced_rank_truth(case, np.random.default_rng(0))
    hessian = torch.autograd.functional.hessian(lambda t: reduced_rank_value(case, t, truth), truth)
    assert np.linalg.matrix_rank(hessian.numpy(), tol=1e-8) == rank
    assert case.hessian_rank / 2 <= case.coefficient <= case.parameters / 2


def reduced_rank_value(case, theta, truth):
    n, h, m, _ = case
    product = [t[h * n :].view(m, h) @ t[: h * n].view(h, n) for t in (theta, truth)]
    return ((product[0] - product[1]) ** 2).sum()


def test_all_branches_of_the_known_coefficient_agree_where_they_meet():
    assert reduced_rank_coefficient(5, 1, 1, 0) == 0.5  # M + H < N + r: only the first of two factors counts
    assert reduced_rank_coefficient(1, 1, 5, 0) == 0.5
    assert reduced_rank_coefficient(2, 6, 2, 0) == 2.0  # wide hidden layer: all entries of the product
    with pytest.raises(ValueError, match="rank"):
        reduced_rank_coefficient(3, 2, 3, 3)


def test_the_stationary_variance_of_a_quadratic_is_that_of_the_discrete_chain():
    # theta' = (1 - a) theta + sqrt(eta) xi has variance eta / (1 - (1 - a)^2), a = eta (2 n beta h + gamma) / 2
    strength, curvature, eta, gamma = 100.0, 1.0, 2e-3, 5.0
    losses = sgld(
        lambda t: (curvature * (t**2).sum(-1), 2 * curvature * t), torch.zeros(1, 3, dtype=torch.float64),
        strength=strength, step_size=eta, steps=2000, chains=200, generator=torch.Generator().manual_seed(3),
        localisation=gamma,
    )  # fmt: skip
    a = eta * (2 * strength * curvature + gamma) / 2
    assert losses[200:].mean() == pytest.approx(3 * curvature * eta / (1 - (1 - a) ** 2), rel=0.02)


def test_divergence_is_refused():
    with pytest.raises(ValueError, match="diverges"):
        _estimate(lambda t: ((t**2).sum(-1), 2 * t), 2, strength=1.0, scale=1000.0, steps=600)


def test_r_hat_of_equal_and_of_shifted_chains():
    rng = np.random.default_rng(4)
    chains = rng.standard_normal((1000, 8))
    assert split_r_hat(chains) == pytest.approx(1, abs=0.01)
    assert split_r_hat(chains + np.arange(8)) > 1.5
    assert split_r_hat(chains + np.linspace(0, 3, 1000)[:, None]) > 1.2
    assert split_r_hat(np.ones((10, 2))) == np.inf
    with pytest.raises(ValueError, match="at least 4"):
        split_r_hat(chains[:3])
