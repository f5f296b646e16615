"""Analysis programs against closed forms and against each other."""

import numpy as np
import pytest
from scipy.special import exp1

from lib.matching.programs import GOMPERTZ, PROGRAMS, solve_by_lp, solve_by_ode, solve_unequal, survival


def test_program_a_is_gompertz():
    solved = solve_by_ode("A", np.linspace(0, 10, 41))
    assert solved.ratio == pytest.approx(np.e * exp1(1), abs=1e-9)
    assert solved.ratio == pytest.approx(GOMPERTZ, abs=1e-9)
    np.testing.assert_allclose(solved.f, np.exp(1 + solved.load) * exp1(1 + solved.load), atol=1e-9)
    np.testing.assert_allclose(solved.weight, (1 + solved.load) * np.exp(-solved.load), atol=1e-10)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_split_meets_the_condition_with_equality(program):
    solved = solve_by_ode(program, np.linspace(0, 6, 1201))
    step = solved.load[1]
    paid = np.exp(-solved.load) * (1 - solved.f)
    paid = np.concatenate([[0], np.cumsum((paid[1:] + paid[:-1]) * step / 2)])
    np.testing.assert_allclose(paid + solved.f * solved.weight, solved.ratio, atol=2e-6)
    assert np.all(np.diff(solved.f) <= 1e-9)
    survivors = np.exp(solved.load) * survival(program, solved.load)
    integral = np.concatenate([[0], np.cumsum((survivors[1:] + survivors[:-1]) * step / 2)])
    np.testing.assert_allclose(solved.weight, np.exp(-solved.load) * (1 + integral), atol=2e-5)


@pytest.mark.parametrize("program", ["B", "D"])
def test_a_linear_program_on_a_grid_agrees(program):
    assert solve_by_lp(program, 300).ratio == pytest.approx(solve_by_ode(program, [0.0]).ratio, abs=1e-4)


def test_unequal_probabilities_cost_something():
    for program in PROGRAMS:
        unequal = solve_unequal(program, 0.05, 4.0)
        assert unequal.ratio < solve_by_ode(program, [0.0]).ratio
        assert np.all(np.diff(unequal.f) <= 0)


def test_an_unknown_program_is_refused():
    with pytest.raises(ValueError, match="expected one of A, B, C, D"):
        survival("E", 0.0)
