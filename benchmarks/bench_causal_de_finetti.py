"""Kernel test against causal-learn's, and the G-test from one count against a loop over strata."""

import timeit

import numpy as np
from causallearn.utils.cit import CIT
from scipy import stats

from lib.scm.independence import g_test, kernel_test


def best(function, repeats=3):
    """Shortest of several runs, in seconds."""
    return min(timeit.repeat(function, number=1, repeat=repeats))


def strata(x, y, z):
    """G statistic stratum by stratum."""
    total = 0.0
    for values in {tuple(row) for row in z.tolist()}:
        rows = (z == values).all(axis=1)
        table = np.histogram2d(x[rows], y[rows], bins=2)[0]
        total += stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    return total


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for n in (100, 300, 500):
        x, y, z = rng.standard_normal((3, n))
        data = np.column_stack([x, y, z])
        peer = best(lambda data=data: CIT(data, "kci")(0, 1, [2]))
        ours = best(lambda x=x, y=y, z=z: kernel_test(x, y, z))
        print(f"conditional kernel test, n = {n}: {peer / ours:.1f} x over causal-learn")
    x, y = rng.integers(0, 2, (2, 20000))
    z = rng.integers(0, 2, (20000, 3))
    print(f"G-test, n = 20000, three conditions: {best(lambda: strata(x, y, z)) / best(lambda: g_test(x, y, z)):.0f} x")
