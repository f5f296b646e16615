"""Kernel test against causal-learn's and against whole kernels, and the G-test against one count.

CPU seconds of the two over one another, in alternation; below 1 this library is faster.
"""

import numpy as np
from causallearn.utils.cit import CIT
from scipy import linalg, special

from lib.bench.ratios import cpu_ratio
from lib.scm.independence import g_test, kernel_test


def whole_kernels(x, y, z, width=0.7, epsilon=1e-3) -> float:
    """The p-value from whole kernels and one Cholesky factor of that of the condition."""
    n = len(x)

    def kernel(*columns):
        points = np.stack(columns, axis=1)
        square = np.sum(points**2, axis=1)
        k = np.exp(-0.5 / width**2 * np.maximum(square[:, None] + square - 2 * points @ points.T, 0))
        mean = k.mean(axis=0)
        return k - mean - mean[:, None] + mean.mean()

    x, y, z = ((v - v.mean()) / v.std(ddof=1) for v in (x, y, z))
    factor = linalg.cho_factor(kernel(z) + epsilon * np.eye(n), lower=True, check_finite=False)

    def residual(k):
        return epsilon**2 * linalg.cho_solve(factor, linalg.cho_solve(factor, k).T)

    product = residual(kernel(x, 0.5 * z)) * residual(kernel(y))
    mean, variance = np.trace(product), 2 * np.sum(product**2)
    return special.gammaincc(mean**2 / variance, product.sum() * mean / variance)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for n in (100, 300, 500, 1000):
        x, y, z = data = rng.standard_normal((3, n))
        causal_learn = cpu_ratio(
            lambda x=x, y=y, z=z: kernel_test(x, y, z), lambda d=data.T: CIT(d, "kci")(0, 1, [2]), 3
        )
        whole = cpu_ratio(lambda x=x, y=y, z=z: kernel_test(x, y, z), lambda x=x, y=y, z=z: whole_kernels(x, y, z))
        print(f"conditional kernel test, n = {n}: {causal_learn:.2f} of causal-learn, {whole:.2f} of whole kernels")
    powers = 4 * (1 << np.arange(3))
    for n in (2000, 20000):
        x, y = rng.integers(0, 2, (2, n))
        z = rng.integers(0, 2, (n, 3))

        def count(x=x, y=y, z=z):
            return [np.bincount(2 * x + y + z @ powers, minlength=32) for _ in range(20)]

        test = cpu_ratio(lambda x=x, y=y, z=z: [g_test(x, y, z) for _ in range(20)], count)
        print(f"G-test, n = {n}, three conditions: {test:.2f} of the codes and one count")
