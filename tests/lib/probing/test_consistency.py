"""Excess risks beside many digits, and the bound beside enumeration."""

import mpmath
import numpy as np
import pytest
from scipy import optimize

from lib.probing.consistency import CONSTANT, logistic_excess, psi_inverse, psi_transform, zero_one_excess


def exact_psi(t):
    with mpmath.workdps(60):
        t = mpmath.mpf(t)
        rest = (1 - t) / 2 * mpmath.log(1 - t) if t < 1 else 0
        return (1 + t) / 2 * mpmath.log(1 + t) + rest


@pytest.mark.parametrize("t", [1e-12, 1e-8, 1e-4, 0.1, 0.4999, 0.5, 0.6, 0.9, 1 - 1e-12, 1.0])
def test_psi_has_all_digits(t):
    assert float(psi_transform(t)) == pytest.approx(float(exact_psi(t)), rel=1e-14)


def test_psi_at_its_ends():
    np.testing.assert_allclose(psi_transform([0.0, 1.0]), [0, np.log(2)], rtol=1e-15)
    with pytest.raises(ValueError, match=r"t: got 1\.1"):
        psi_transform([0.5, 1.1])


def test_the_inverse_of_psi():
    t = np.array([1e-6, 0.1, 0.6, 0.99, 1.0])
    np.testing.assert_allclose(psi_inverse(psi_transform(t)), t, rtol=1e-8)
    assert psi_inverse(5.0) == 1


@pytest.mark.parametrize("shift", [1e-9, 1e-6, 1e-3, 0.3, 3.0, 40.0])
def test_the_logistic_excess_has_digits_where_scores_nearly_fit(shift):
    p = np.array([0.2, 0.3, 0.5])
    scores = np.log(p) + shift * np.array([1, -1, 0.5])
    with mpmath.workdps(60):
        exact_p = [mpmath.mpf(v) / sum(map(mpmath.mpf, p)) for v in p]
        q = [mpmath.exp(mpmath.mpf(s)) for s in scores]
        q = [v / sum(q) for v in q]
        excess = float(sum(a * mpmath.log(a / b) for a, b in zip(exact_p, q)))
    assert float(logistic_excess(p, scores)) == pytest.approx(excess, rel=1e-5)


def test_a_class_that_never_occurs_counts():
    assert float(logistic_excess([1.0, 0.0], [0.0, 0.0])) == pytest.approx(np.log(2))


def test_ties_go_to_the_worst_class():
    assert zero_one_excess([0.7, 0.3], [0.0, 0.0]) == pytest.approx(0.4)
    np.testing.assert_allclose(zero_one_excess([[0.1, 0.6, 0.3]] * 2, [[1, 0, 1], [0, 2, 1]]), [0.5, 0])


def test_two_classes_and_no_scores_attain_the_transform():
    for t in (0.1, 0.6, 0.9):
        p = [(1 + t) / 2, (1 - t) / 2]
        assert float(logistic_excess(p, [0.0, 0.0])) == pytest.approx(float(psi_transform(t)), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_bound_holds_and_its_constant_is_approached(classes):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(classes, 0.5), 20_000)
    scores = rng.standard_normal((20_000, classes))
    excess, logistic = zero_one_excess(p, scores), logistic_excess(p, scores)
    assert np.all(psi_transform(excess) <= logistic * (1 + 1e-9) + 1e-15)
    assert np.all(excess <= CONSTANT * np.sqrt(logistic) * (1 + 1e-9) + 1e-15)


def test_no_scores_do_better_than_psi():
    """The smallest logistic excess at a given p and a wrong class, by constrained minimisation over q."""
    p = np.array([0.5, 0.3, 0.2])
    t = p[0] - p[2]
    result = optimize.minimize(
        lambda q: float(np.sum(p * np.log(p / q))),
        np.full(3, 1 / 3),
        bounds=[(1e-6, 1)] * 3,
        constraints=[
            {"type": "eq", "fun": lambda q: q.sum() - 1},
            {"type": "ineq", "fun": lambda q: q[2] - q[:2]},
        ],
    )
    assert psi_transform(t) <= result.fun
