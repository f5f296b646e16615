"""The regularised leader against a generic convex solver, and the lemmas against many digits."""

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from lib.bandits.ftrl import (
    REGULARISERS,
    _above_logarithm,
    entropy_gain,
    entropy_leader,
    init,
    log_barrier_gain,
    log_barrier_leader,
    regret_and_bound,
    step,
)


def objective(name):
    _, potential = REGULARISERS[name]
    return lambda p, losses, eta: eta * p @ losses + potential(p)


@pytest.mark.parametrize("name", REGULARISERS)
def test_leader_minimises_its_objective(name):
    rng = np.random.default_rng(0)
    leader, value = REGULARISERS[name][0], objective(name)
    for _ in range(20):
        losses, eta = rng.normal(size=4) * 3, 10 ** rng.uniform(-1, 0.5)
        solution = minimize(
            value,
            np.full(4, 0.25),
            args=(losses, eta),
            method="SLSQP",
            bounds=[(1e-9, 1)] * 4,
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        p = leader(losses, eta)
        assert value(p, losses, eta) <= value(solution.x, losses, eta) + 1e-9
        np.testing.assert_allclose(p, solution.x, atol=2e-4)


def test_log_barrier_multiplier_is_the_root_from_brentq():
    rng = np.random.default_rng(1)
    for scale in (1e-6, 1, 1e6, 1e12):
        excess = np.sort(rng.random(7)) * scale
        excess -= excess[0]
        root = brentq(lambda lam: np.sum(1 / (excess + lam)) - 1, 1, 7, xtol=1e-15)  # noqa: B023
        np.testing.assert_allclose(log_barrier_leader(excess, 1.0), 1 / (excess + root), rtol=1e-11)


@pytest.mark.parametrize("leader", [log_barrier_leader, entropy_leader])
def test_leader_is_a_distribution_that_a_constant_does_not_move(leader):
    losses = np.random.default_rng(2).normal(size=(3, 5, 4)) * 100
    p = leader(losses, 0.3)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-13)
    assert (p >= 0).all()
    np.testing.assert_allclose(leader(losses + 17, 0.3), p, rtol=1e-10)
    np.testing.assert_allclose(leader(np.zeros((2, 5)), 1.0), 1 / 5)
    np.testing.assert_allclose(leader(np.full((2, 1), 9.0), 1.0), 1)


def test_state_sums_losses():
    state = step(step(init((2,)), [1.0, 2.0]), [0.5, -3.0])
    assert state.losses.tolist() == [1.5, -1.0]
    with pytest.raises(ValueError, match="loss: got NaN"):
        step(state, [np.nan, 0])
    with pytest.raises(ValueError, match="losses: got NaN"):
        log_barrier_leader([np.nan, 0], 1.0)


def exact_log_barrier_gain(p, losses, eta):
    """The same maximum by bisection in 60 digits."""
    with mpmath.workdps(60):
        p, losses, eta = [mpmath.mpf(x) for x in p], [mpmath.mpf(x) for x in losses], mpmath.mpf(eta)
        tilt = [1 / x + eta * y for x, y in zip(p, losses)]
        low, high = 1 - min(tilt), len(p) - min(tilt)
        for _ in range(220):
            middle = (low + high) / 2
            if sum(1 / (t + middle) for t in tilt) > 1:
                low = middle
            else:
                high = middle
        q = [1 / (t + low) for t in tilt]
        divergence = sum(b / a - 1 - mpmath.log(b / a) for a, b in zip(p, q))
        return float(sum((a - b) * y for a, b, y in zip(p, q, losses)) - divergence / eta)


def exact_entropy_gain(p, losses, eta):
    """The closed form in 60 digits, with p made to sum to 1 in them."""
    with mpmath.workdps(60):
        total = mpmath.fsum(mpmath.mpf(x) for x in p)
        p = [mpmath.mpf(x) / total for x in p]
        losses = [mpmath.mpf(x) for x in losses]
        mean = mpmath.fsum(a * b for a, b in zip(p, losses))
        return float(mean + mpmath.log(mpmath.fsum(a * mpmath.exp(-eta * b) for a, b in zip(p, losses))) / eta)


@pytest.mark.parametrize("size", [1e-2, 1, 1e4])
@pytest.mark.parametrize("eta", [1e-3, 0.1, 10])
def test_gains_in_many_digits(size, eta):
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(4), size=3)
    losses = rng.uniform(-size, size, (3, 4))
    scale = eta * np.sum(p * losses**2, axis=1)
    expected = [exact_log_barrier_gain(*row, eta) for row in zip(p, losses)]
    np.testing.assert_allclose(log_barrier_gain(p, losses, np.full(3, eta)) / scale, expected / scale, atol=1e-8)
    exact = [exact_entropy_gain(*row, mpmath.mpf(eta)) for row in zip(p, losses)]
    np.testing.assert_allclose(entropy_gain(p, losses, np.full(3, eta)) / scale, exact / scale, atol=1e-8)


@pytest.mark.parametrize("r", [1e-12, -1e-8, 9e-4, -9e-4, 1.1e-3, -0.5, 3.0])
def test_what_a_number_is_above_its_logarithm_keeps_its_digits(r):
    with mpmath.workdps(60):
        expected = mpmath.mpf(r) - mpmath.log1p(mpmath.mpf(r))
    assert float(_above_logarithm(np.array(r))) == pytest.approx(float(expected), rel=1e-12)


def test_regret_of_two_steps_by_hand():
    """x_1 is uniform; x_2 follows from the first loss; y = (0.99, 0.01)."""
    losses, y = np.array([[[5.0, 0.0]], [[-40.0, 0.0]]]), np.array([[0.99, 0.01]])
    second = np.exp(-5) / (1 + np.exp(-5))
    result = regret_and_bound(losses, [1.0], y, "entropy")
    regret = (0.5 - 0.99) * 5 + (second - 0.99) * -40
    bound = 0.99 * np.log(0.99) + 0.01 * np.log(0.01) + np.log(2) + 0.5 * 25 + second * 1600
    assert result.regret[0] == pytest.approx(regret)
    assert result.bound[0] == pytest.approx(bound)
    barrier = regret_and_bound(losses, [1.0], y, "log_barrier")
    assert barrier.regret[0] < barrier.bound[0]
