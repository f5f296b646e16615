"""Programs of the primal-dual analysis: the largest ratio G that a split of the gain can prove for Stochastic Balance.

When v goes to u at load l with probability p, the price of u rises by p (1 - f(l)) and that of v by p f(l), with f not
increasing. With theta_u exponential the proof asks of every final load l

    int_0^l exp(-x) (1 - f(x)) dx + f(l) K(l) >= G,    K(l) = exp(-l) + int_0^l exp(-x) R(l - x) dx,

where R(z) is the part of the value of the neighbours of u that survives when a mass z of them is displaced. Programs:

- A: the stochastic configuration program, R(z) = exp(-z);
- B: the configuration program, R(z) = max(1 - z, 0);
- C, D: as B and A with z replaced by H(z) = z - 1 + exp(-z). A vertex displaced at level y costs a neighbour only with
  probability 1 - exp(-(l - y)). This step is a heuristic.

A and B have the constants 0.596 of Goyal and Udwani and 0.576 of Huang and Zhang. With unequal probabilities what is
displaced is counted in value: z = int_x^l (f(y) / f(l)) h(l - y) dy, with h = 1 in A and B and h(t) = 1 - exp(-t) in C
and D.
"""

import itertools
from typing import NamedTuple

import numpy as np
from numba import njit

from lib.matching.linear import solve_lp

PROGRAMS = ("A", "B", "C", "D")
GOMPERTZ = 0.5963473623231940743  # int_0^inf exp(-x) / (1 + x) dx


def _displaced(z):
    return z + np.expm1(-z)


def survival(program: str, z):
    """Part R(z) of the value of the neighbours that survives a displaced mass z.

    Raises:
        ValueError: a program that is none of A, B, C, D.
    """
    if program not in PROGRAMS:
        raise ValueError(f"program: got {program!r}, expected one of {', '.join(PROGRAMS)}")
    z = np.asarray(z, dtype=float)
    lost = z if program in "AB" else _displaced(z)
    return np.exp(-lost) if program in "AD" else np.maximum(1 - lost, 0)


class Program(NamedTuple):
    """A solved program: `ratio` G, and on a grid of loads the split f and the weight K."""

    ratio: float
    load: np.ndarray
    f: np.ndarray
    weight: np.ndarray


def solve_by_ode(program: str, loads, horizon: float = 30.0) -> Program:
    """Solve a program as a differential equation, backwards from a large load.

    With k = exp(l) K, which stays of order 1 + l, the condition with equality is f' k = f (1 + k - k') - 1, and
    k' = exp(l) R(l), k(0) = 1; at the horizon f starts at the point where its derivative vanishes.

    Args:
        program: A, B, C or D.
        loads: increasing, from 0 to less than the horizon, at which f and K are returned.
        horizon: load at which the integration starts.
    """
    from scipy.integrate import solve_ivp
    from scipy.optimize import brentq

    loads = np.asarray(loads, dtype=float)
    kink = {"B": 1.0, "C": brentq(lambda z: _displaced(z) - 1, 1, 3)}.get(program)
    pieces = [0.0, horizon] if kink is None else [0.0, kink, horizon]

    def slope_of_k(l):
        if program in "AD":  # exp(l) R(l) without its overflow
            return np.exp(l - (l if program == "A" else _displaced(l)))
        return 0.0 if l >= kink else np.exp(l) * survival(program, l)  # R falls to zero at its kink, continuously

    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14, "dense_output": True}
    weights, start = [], 1.0
    for a, b in itertools.pairwise(pieces):
        run = solve_ivp(lambda l, k: [slope_of_k(l)], (a, b), [start], **options)
        weights.append(run.sol)
        start = run.y[0, -1]
    end_slope = slope_of_k(horizon)
    value, splits = 1 / (1 + start - end_slope), []
    for a, b, k in zip(pieces[-2::-1], pieces[:0:-1], weights[::-1]):

        def slope_of_f(l, f, k=k):
            weight = k(l)[0]
            return (f * (1 + weight - slope_of_k(l)) - 1) / weight

        run = solve_ivp(slope_of_f, (b, a), [value], **options)
        splits.insert(0, run.sol)
        value = run.y[0, -1]
    piece = np.searchsorted(pieces[1:-1], loads, side="right")
    f = np.array([splits[i](l)[0] for i, l in zip(piece, loads)])
    k = np.array([weights[i](l)[0] for i, l in zip(piece, loads)])
    return Program(float(value), loads, f, k * np.exp(-loads))


def _trapezoid_weights(loads):
    """Matrix whose row i integrates a function on the grid from its start to load i."""
    step = np.diff(loads)
    inner = np.tril(np.ones((len(loads), len(loads) - 1)), -1) * step / 2
    result = np.zeros((len(loads), len(loads)))
    result[:, :-1] += inner
    result[:, 1:] += inner
    return result


def solve_by_lp(program: str, points: int = 600, horizon: float = 12.0) -> Program:
    """Solve a program as a linear program on a grid: the values of f, not increasing, and G.

    Args:
        program: A, B, C or D.
        points: number of loads.
        horizon: largest load.
    """
    loads = np.linspace(0, horizon, points)
    integrate = _trapezoid_weights(loads)
    # int_0^l exp(-x) R(l - x) dx = exp(-l) int_0^l exp(z) R(z) dz
    weight = np.exp(-loads) * (1 + integrate @ (np.exp(loads) * survival(program, loads)))
    kernel = integrate * np.exp(-loads)
    # G + kernel f - K f <= int exp(-x); f_{i+1} <= f_i; f <= 1
    rows = np.hstack([kernel - np.diag(weight), np.ones((points, 1))])
    falling = np.hstack([np.eye(points)[1:] - np.eye(points)[:-1], np.zeros((points - 1, 1))])
    most = np.zeros((1, points + 1))
    most[0, 0] = 1
    limits = np.concatenate([kernel.sum(axis=1), np.zeros(points - 1), [1.0]])
    solution = solve_lp(np.append(np.zeros(points), 1.0), np.vstack([rows, falling, most]), limits)
    return Program(solution.value, loads, solution.x[:-1], weight)


@njit(cache=True)
def _survive(z, exponential):
    return np.exp(-z) if exponential else max(1.0 - z, 0.0)


@njit(cache=True)
def _excess(value, i, f, step, ratio, paid, exponential, memoryless):
    """Left side minus G of the condition at grid point i, if f is `value` there; `paid` is the integral up to i - 1."""
    load = i * step
    total = paid + step / 2 * (np.exp(-(load - step)) * (1 - f[i - 1]) + np.exp(-load) * (1 - value))
    total += np.exp(-load) * value - ratio
    lost, last = 0.0, 0.0  # int_x^l f(y) h(l - y) dy, from x = l down
    last = 0.0 if memoryless else value
    inner = np.exp(-load) / 2
    for j in range(i - 1, -1, -1):
        weight = f[j] * (-np.expm1(-(load - j * step)) if memoryless else 1.0)
        lost += step / 2 * (weight + last)
        last = weight
        share = np.exp(-j * step) * _survive(lost / value, exponential)
        inner += share / 2 if j == 0 else share
    return total + value * step * inner


@njit(cache=True)
def _march(ratio, points, step, exponential, memoryless):
    """Smallest split that meets the condition at every load, and whether it never has to rise."""
    f = np.zeros(points)
    f[0] = ratio
    paid = 0.0
    for i in range(1, points):
        high, low = f[i - 1], 1e-9
        if _excess(high, i, f, step, ratio, paid, exponential, memoryless) < 0:
            return f, False
        if _excess(low, i, f, step, ratio, paid, exponential, memoryless) >= 0:
            high = low
        for _ in range(60):
            middle = (low + high) / 2
            if _excess(middle, i, f, step, ratio, paid, exponential, memoryless) < 0:
                low = middle
            else:
                high = middle
            if high - low < 1e-13:
                break
        f[i] = high
        before = np.exp(-(i - 1) * step) * (1 - f[i - 1])
        paid += step / 2 * (before + np.exp(-i * step) * (1 - f[i]))
    return f, True


def solve_unequal(program: str, step: float = 0.01, horizon: float = 8.0, tol: float = 1e-6) -> Program:
    """Solve a program for unequal probabilities by marching in the load, with bisection over the ratio.

    Args:
        program: A, B, C or D.
        step: of the grid of loads.
        horizon: last load at which the condition is asked for.
        tol: width of the last interval of the ratio, whose feasible end is returned.

    Raises:
        ValueError: an unknown program.
    """
    survival(program, 0.0)
    points = round(horizon / step) + 1
    form = program in "AD", program in "CD"
    low, high, best = 0.45, 0.7, None
    while high - low > tol or best is None:
        middle = (low + high) / 2
        f, feasible = _march(middle, points, step, *form)
        if feasible:
            low, best = middle, f
        else:
            high = middle
        if high - low < 1e-12:
            raise ArithmeticError(f"program {program}: no ratio above 0.45 is feasible")
    loads = np.arange(points) * step
    return Program(low, loads, best, np.full(points, np.nan))
