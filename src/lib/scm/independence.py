"""Tests of conditional independence: the G-test for binary data, kernel tests for continuous data.

Each is a function of (x, y, z) that returns an `IndependenceTest`; discovery takes any of them.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import linalg, special  # `scipy.stats` takes half a second to import

EPSILON = 1e-3
TOLERANCE = 1e-9  # mean error of the diagonal of a kernel of low rank; p-values differ by less than 1e-6


class IndependenceTest(NamedTuple):
    """Outcome of a test of independence: its statistic, larger for stronger dependence, and its p-value."""

    statistic: float
    pvalue: float


def _conditions(z: np.ndarray | None, n: int) -> np.ndarray | None:
    """Columns (n, k) of the conditioning variables, or None where there is none."""
    if z is None or not np.size(z):
        return None
    return np.asarray(z).reshape(n, -1)


def _check_lengths(x: np.ndarray, y: np.ndarray, z: np.ndarray | None, least: int) -> None:
    n = len(x)
    if n < least:
        raise ValueError(f"x: got {n} values, expected at least {least}")
    for name, values in (("y", y), ("z", z)):
        if values is not None and len(values) != n:
            raise ValueError(f"{name}: got {len(values)} rows, expected {n}, as many as x")


def g_test(x: np.ndarray, y: np.ndarray, z: np.ndarray | None = None) -> IndependenceTest:
    """G-test of x independent of y given z, all binary, from one count of the joint table.

    G = 2 sum O log(O / E) with E = O_xz O_yz / O_z is compared with chi square of 2^|Z| degrees of freedom; empty
    strata add nothing, and the degrees of freedom are not lowered for them.

    Args:
        x, y: (n,) zeros and ones.
        z: (n,) or (n, k) zeros and ones, or None; no columns are no conditions.

    Raises:
        ValueError: data that are not binary, or of unequal lengths.
    """
    _check_lengths(x, y, z, 1)
    x, y, z = np.asarray(x), np.asarray(y), _conditions(z, len(x))
    conditions = 0 if z is None else z.shape[1]
    observed = np.zeros((1 << conditions, 2, 2), np.int64)
    place = _count_binary(x, y, x[:, None][:, :0] if z is None else z, observed.reshape(-1))
    if place:
        raise ValueError(f"{'xyz'[place - 1]}: got values other than 0 and 1, expected binary data")
    statistic = max(0.0, _g_statistic(observed))
    return IndependenceTest(statistic, float(special.chdtrc(1 << conditions, statistic)))


@njit(cache=True)
def _count_binary(x, y, z, counts):
    """Add rows of zeros and ones to counts by (z, x, y); 1, 2 or 3 where x, y or z has another value, else 0."""
    for i in range(len(x)):
        if x[i] != 0 and x[i] != 1:
            return 1
        if y[i] != 0 and y[i] != 1:
            return 2
        code = 2 * (x[i] == 1) + (y[i] == 1)
        for k in range(z.shape[1]):
            if z[i, k] != 0 and z[i, k] != 1:
                return 3
            code += 4 * ((z[i, k] == 1) << k)
        counts[code] += 1
    return 0


@njit(cache=True)
def _g_statistic(observed):
    """2 sum O log(O / E) of tables (K, 2, 2)."""
    statistic = 0.0
    for table in observed:
        total = table.sum()
        for a in range(2):
            for b in range(2):
                if table[a, b] > 0:
                    expected = (table[a, 0] + table[a, 1]) * (table[0, b] + table[1, b]) / total
                    statistic += 2 * table[a, b] * np.log(table[a, b] / expected)
    return statistic


def _standard(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float).reshape(len(values), -1)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: got values that are not finite, expected finite data")
    spread = values.std(axis=0, ddof=1)
    if not (spread > 0).all():
        raise ValueError(f"{name}: got a constant column, expected data that vary")
    return (values - values.mean(axis=0)) / spread


def _squared_distances(values: np.ndarray) -> np.ndarray:
    square = np.sum(values**2, axis=1)
    return np.maximum(square[:, None] + square - 2 * values @ values.T, 0)


def _centred(kernel: np.ndarray) -> np.ndarray:
    mean = kernel.mean(axis=0)
    return kernel - mean - mean[:, None] + mean.mean()


def _kernel_factor(values: np.ndarray, weight: float, tolerance: float = TOLERANCE) -> np.ndarray:
    """Factor F (n, r) of the centred Gaussian kernel F F' of exp(-weight |a - b|^2 / 2), by pivoted Cholesky.

    It ends when the mean of the residual's diagonal, is below the tolerance.
    """
    n = len(values)
    columns = values.T * np.sqrt(0.5 * weight)
    square = np.sum(columns**2, axis=0)
    residual = np.ones(n)
    rows = np.empty((min(n, 64), n))
    rank = 0
    while rank < n and residual.sum() > tolerance * n:
        if rank == len(rows):
            rows = np.concatenate([rows, np.empty((min(n, 2 * rank) - rank, n))])
        pivot = int(np.argmax(residual))
        row = rows[rank]
        np.exp(2 * columns[:, pivot] @ columns - square - square[pivot], out=row)
        row -= rows[:rank, pivot] @ rows[:rank]
        row /= np.sqrt(residual[pivot])
        residual = np.maximum(residual - row**2, 0)
        rank += 1
    return (rows[:rank] - rows[:rank].mean(axis=1, keepdims=True)).T


def _gamma_test(statistic: float, mean: float, variance: float) -> IndependenceTest:
    """Against the gamma law of this mean and variance."""
    pvalue = special.gammaincc(mean**2 / variance, statistic / (variance / mean))
    return IndependenceTest(statistic, float(pvalue))


def kernel_test(x: np.ndarray, y: np.ndarray, z: np.ndarray | None = None) -> IndependenceTest:
    """Kernel test of x independent of y given z (Zhang et al. 2011), with a gamma approximation of its null law.

    Widths depend on n as in causal-learn. No eigenvectors are needed: the null moments of the conditional statistic
    are the trace of K_x o K_y and twice its squared norm (o: entry by entry). Kernels are factors of low rank.

    Args:
        x, y: (n,) data, n >= 10.
        z: (n,) or (n, k), or None for the unconditional test; no columns are no conditions.

    Raises:
        ValueError: fewer than 10 rows, unequal lengths, values that are not finite, or a constant column.
    """
    _check_lengths(x, y, z, 10)
    n = len(x)
    x, y = _standard("x", x), _standard("y", y)
    z = _conditions(z, n)
    step = 0 if n < 200 else 1 if n < 1200 else 2
    if z is None:
        weight = 1 / (0.8, 0.5, 0.3)[step] ** 2
        f_x, f_y = _kernel_factor(x, weight), _kernel_factor(y, weight)
        mean = np.sum(f_x**2) * np.sum(f_y**2) / n
        variance = 2 * np.sum((f_x.T @ f_x) ** 2) * np.sum((f_y.T @ f_y) ** 2) / n**2
        return _gamma_test(float(np.sum((f_x.T @ f_y) ** 2)), mean, variance)
    z = _standard("z", z)
    weight = 1 / ((1.2, 0.7, 0.4)[step] ** 2 * z.shape[1])
    f_z = _kernel_factor(z, weight, EPSILON * TOLERANCE)  # the inverse divides its error by epsilon
    gram = f_z.T @ f_z
    gram.flat[:: len(gram) + 1] += EPSILON
    inverse = linalg.cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)

    def residual(factor: np.ndarray) -> np.ndarray:
        """R F with R = epsilon (K_z + epsilon I)^-1."""
        return factor - f_z @ linalg.cho_solve(inverse, f_z.T @ factor, check_finite=False)

    r_x = residual(_kernel_factor(np.column_stack([x, 0.5 * z]), weight))
    r_y = residual(_kernel_factor(y, weight))
    product = (r_x @ r_x.T) * (r_y @ r_y.T)
    return _gamma_test(float(np.sum((r_x.T @ r_y) ** 2)), float(np.trace(product)), 2 * float(np.sum(product**2)))


def hsic_permutation(x: np.ndarray, y: np.ndarray, permutations: int, rng: np.random.Generator) -> IndependenceTest:
    """Permutation test of the Hilbert-Schmidt independence criterion, Gaussian kernels of median width.

    Args:
        x, y: (n,) or (n, k), n >= 10.
        permutations: number of random permutations of y.
        rng: source of the permutations.

    Returns:
        The sum of K_x o K_y (o: entry by entry, kernels centred), n^2 times the criterion, and its p-value.

    Raises:
        ValueError: fewer than 10 rows, unequal lengths, values that are not finite, or most pairs of values equal.

    Source: Gretton et al. 2008, "A kernel statistical test of independence", NeurIPS 20.
    """
    _check_lengths(x, y, None, 10)

    def kernel(name, values):
        values = np.asarray(values, float).reshape(len(values), -1)
        distance = _squared_distances(values)
        width = np.median(distance[np.triu_indices(len(distance), 1)])
        if not (np.isfinite(values).all() and width > 0):
            raise ValueError(f"{name}: got values that are not finite, or equal in most pairs, expected data that vary")
        return _centred(np.exp(-0.5 * distance / width))

    k_x, k_y = kernel("x", x), kernel("y", y)
    observed = np.sum(k_x * k_y)
    orders = [rng.permutation(len(k_y)) for _ in range(permutations)]
    larger = sum(np.sum(k_x * k_y[np.ix_(order, order)]) >= observed for order in orders)
    return IndependenceTest(float(observed), float((1 + larger) / (1 + permutations)))
