"""Tests of conditional independence: the G-test for binary data, kernel tests for continuous data.

Each is a function of (x, y, z) that returns an `IndependenceTest`; discovery takes any of them.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, special  # `scipy.stats` takes half a second to import

EPSILON = 1e-3


class IndependenceTest(NamedTuple):
    """Outcome of a test of independence: its statistic, larger for stronger dependence, and its p-value."""

    statistic: float
    pvalue: float


def _binary(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name}: got values other than 0 and 1, expected binary data")
    return values.astype(np.int64)


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
        z: (n, k) zeros and ones, or None.

    Raises:
        ValueError: data that are not binary, or of unequal lengths.
    """
    _check_lengths(x, y, z, 1)
    code = 2 * _binary("x", x) + _binary("y", y)
    conditions = 0
    if z is not None:
        z = _binary("z", z).reshape(len(x), -1)
        conditions = z.shape[1]
        code = code + 4 * (z @ (1 << np.arange(conditions)))
    observed = np.bincount(code, minlength=4 << conditions).reshape(-1, 2, 2).astype(float)
    total = observed.sum(axis=(1, 2), keepdims=True)
    expected = observed.sum(axis=2, keepdims=True) * observed.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(observed > 0, observed * np.log(observed * total / expected), 0.0)
    statistic = max(0.0, 2 * float(terms.sum()))
    return IndependenceTest(statistic, float(special.chdtrc(1 << conditions, statistic)))


def _standard(name: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float).reshape(len(values), -1)
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


def _kernel(values: np.ndarray, weight: float) -> np.ndarray:
    """Centred Gaussian kernel exp(-weight |a - b|^2 / 2), (n, n)."""
    return _centred(np.exp(-0.5 * weight * _squared_distances(values)))


def _gamma_test(statistic: float, mean: float, variance: float) -> IndependenceTest:
    """Against the gamma law of this mean and variance."""
    pvalue = special.gammaincc(mean**2 / variance, statistic / (variance / mean))
    return IndependenceTest(statistic, float(pvalue))


def kernel_test(x: np.ndarray, y: np.ndarray, z: np.ndarray | None = None) -> IndependenceTest:
    """Kernel test of x independent of y given z (Zhang et al. 2011), with a gamma approximation of its null law.

    Widths depend on n as in causal-learn. No eigenvectors are needed: the null moments of the conditional statistic
    are the trace of K_x o K_y and twice its squared norm (o: entry by entry).

    Args:
        x, y: (n,) data, n >= 10.
        z: (n,) or (n, k), or None for the unconditional test.

    Raises:
        ValueError: fewer than 10 rows, unequal lengths or a constant column.
    """
    _check_lengths(x, y, z, 10)
    n = len(x)
    x, y = _standard("x", x), _standard("y", y)
    step = 0 if n < 200 else 1 if n < 1200 else 2
    if z is None:
        weight = 1 / (0.8, 0.5, 0.3)[step] ** 2
        k_x, k_y = _kernel(x, weight), _kernel(y, weight)
        mean = np.trace(k_x) * np.trace(k_y) / n
        variance = 2 * np.sum(k_x**2) * np.sum(k_y**2) / n**2
        return _gamma_test(float(np.sum(k_x * k_y)), mean, variance)
    z = _standard("z", z)
    weight = 1 / ((1.2, 0.7, 0.4)[step] ** 2 * z.shape[1])
    k_z = _kernel(z, weight)
    k_z.flat[:: n + 1] += EPSILON
    factor = linalg.cho_factor(k_z, lower=True, overwrite_a=True, check_finite=False)

    def residual(kernel: np.ndarray) -> np.ndarray:
        """R K R with R = epsilon (K_z + epsilon I)^-1."""
        half = linalg.cho_solve(factor, kernel, check_finite=False)
        return EPSILON**2 * linalg.cho_solve(factor, half.T, check_finite=False)

    product = residual(_kernel(np.column_stack([x, 0.5 * z]), weight)) * residual(_kernel(y, weight))
    return _gamma_test(float(product.sum()), float(np.trace(product)), 2 * float(np.sum(product**2)))


def hsic_permutation(x: np.ndarray, y: np.ndarray, permutations: int, rng: np.random.Generator) -> IndependenceTest:
    """Permutation test of the Hilbert-Schmidt independence criterion, Gaussian kernels of median width.

    Args:
        x, y: (n,) or (n, k), n >= 10.
        permutations: number of random permutations of y.
        rng: source of the permutations.

    Returns:
        The sum of K_x o K_y (o: entry by entry, kernels centred), n^2 times the criterion, and its p-value.

    Raises:
        ValueError: fewer than 10 rows, or unequal lengths.

    Source: Gretton et al. 2008, "A kernel statistical test of independence", NeurIPS 20.
    """
    _check_lengths(x, y, None, 10)

    def kernel(values):
        distance = _squared_distances(np.asarray(values, float).reshape(len(values), -1))
        return _centred(np.exp(-0.5 * distance / np.median(distance[np.triu_indices(len(distance), 1)])))

    k_x, k_y = kernel(x), kernel(y)
    observed = np.sum(k_x * k_y)
    orders = [rng.permutation(len(k_y)) for _ in range(permutations)]
    larger = sum(np.sum(k_x * k_y[np.ix_(order, order)]) >= observed for order in orders)
    return IndependenceTest(float(observed), float((1 + larger) / (1 + permutations)))
