"""Linear programs max c'x with Ax <= b and x >= 0, by HiGHS, with certificates in rational numbers."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np


class Solution(NamedTuple):
    """An optimum: `value`, `x` (columns,), and the prices of the rows `duals` (rows,), at least 0."""

    value: float
    x: np.ndarray
    duals: np.ndarray


def solve_lp(c, a_ub, b_ub, time_limit: float | None = None) -> Solution:
    """Maximise c'x subject to a_ub x <= b_ub and x >= 0.

    Args:
        c: (columns,).
        a_ub: (rows, columns), dense or sparse.
        b_ub: (rows,).
        time_limit: seconds until HiGHS gives up.

    Raises:
        TimeoutError: not solved within the limit.
        ValueError: an infeasible or unbounded program.
    """
    from scipy.optimize import linprog  # takes a third of a second to import

    cost = -np.asarray(c, dtype=float)
    for method in ("highs", "highs-ipm"):  # the simplex method gives up on some programs of very unequal entries
        options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        if time_limit is not None:
            options["time_limit"] = time_limit
        result = linprog(cost, A_ub=a_ub, b_ub=b_ub, method=method, options=options)
        if result.status != 4:  # numerical difficulties
            break
    if result.status == 1:
        raise TimeoutError(f"linear program: not solved within {time_limit} s")
    if result.status != 0:
        raise ValueError(f"linear program: {result.message}")
    return Solution(-result.fun, result.x, -result.ineqlin.marginals)


class ExactProgram(NamedTuple):
    """A program max c'x, Ax <= b, x >= 0 in rational numbers, whose columns each have a row with coefficient 1.

    Args:
        c: objective of each column.
        columns: for each column its entries, `{row: coefficient}`.
        b: limits of the rows, at least 0.
        unit_row: for each column a row in which its coefficient is 1.
    """

    c: list[Fraction]
    columns: list[dict[int, Fraction]]
    b: list[Fraction]
    unit_row: list[int]

    def nonzeros(self) -> int:
        """Number of entries of the matrix."""
        return sum(map(len, self.columns))

    def arrays(self):
        """`(c, A, b)` in double precision, A sparse."""
        from scipy.sparse import csc_array

        indptr = np.cumsum([0, *map(len, self.columns)])
        rows = np.array([row for column in self.columns for row in column], dtype=np.int64)
        entries = np.array([float(entry) for column in self.columns for entry in column.values()])
        a = csc_array((entries, rows, indptr), shape=(len(self.b), len(self.columns)))
        return np.array(list(map(float, self.c))), a, np.array(list(map(float, self.b)))


class Bounds(NamedTuple):
    """Rational bounds on the optimum of a program, each proved by a feasible point: of the program and of its dual."""

    lower: Fraction
    upper: Fraction


def certify(program: ExactProgram, x, duals) -> Bounds:
    """Prove bounds on the optimum of a program from an approximate solution, in rational arithmetic.

    The solution is made feasible by scaling it down; the prices by raising those of unit rows until no column gains.

    Args:
        program: in rational numbers.
        x, duals: approximate optimum and prices, as of `solve_lp`.
    """
    x = [max(Fraction(value), Fraction(0)) for value in np.asarray(x).tolist()]
    y = [max(Fraction(value), Fraction(0)) for value in np.asarray(duals).tolist()]
    activity = [Fraction(0)] * len(program.b)
    for amount, column in zip(x, program.columns):
        if amount:
            for row, entry in column.items():
                activity[row] += entry * amount
    scale = min([Fraction(1), *(limit / used for limit, used in zip(program.b, activity) if used > limit)])
    lower = scale * sum(gain * amount for gain, amount in zip(program.c, x))
    raised = [Fraction(0)] * len(program.b)
    for gain, column, row in zip(program.c, program.columns, program.unit_row):
        shortfall = gain - sum(entry * y[i] for i, entry in column.items())
        raised[row] = max(raised[row], shortfall)
    upper = sum(limit * (price + more) for limit, price, more in zip(program.b, y, raised))
    return Bounds(lower, upper)


def solve_certified(program: ExactProgram) -> Bounds:
    """Solve a program in double precision, and prove bounds on its optimum in rational arithmetic."""
    if not program.columns:
        return Bounds(Fraction(0), Fraction(0))
    _, x, duals = solve_lp(*program.arrays())
    return certify(program, x, duals)
