"""Designs of any condition number, and signals on a few of their columns whose values are near worst.

`spread` is the ratio of the largest scale to the smallest, kappa. Columns get equal lengths from `unit_columns` alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

DESIGNS = ("iid", "factor", "multifactor", "ar", "cauchy", "pairs", "vandermonde")
FACTORS = 4


def draw_columns(design: str, rows: int, dim: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Design matrix (n, d), of columns with any length.

    - `iid`: independent standard normal entries.
    - `factor`: a common column plus an own one, spread^-U of it, U uniform on [0, 1]: every scale occurs.
    - `multifactor`: four common columns of falling scales, weighted at random, and an own one, 1 / spread of it.
    - `ar`: sums of the first j of d independent columns.
    - `cauchy`: 1 / (t + a), t equispaced on [0, 1], a uniform on [0.01, 1].
    - `pairs`: columns in pairs that differ by 1 / spread of an own one.
    - `vandermonde`: powers 0 to d - 1 of t equispaced on [0, 1].

    Args:
        design: one of `DESIGNS`.
        rows, dim: n and d; `pairs` needs an even d.
        spread: ratio of scales, at least 1; `iid`, `ar`, `cauchy` and `vandermonde` do not use it.
        rng: source of randomness.

    Raises:
        ValueError: another design, sizes below one, an odd number of columns of `pairs`, or a spread below 1.
    """
    if design not in DESIGNS:
        raise ValueError(f"design: got {design!r}, expected one of {', '.join(DESIGNS)}")
    if rows < 1 or dim < 1:
        raise ValueError(f"rows, dim: got {rows} and {dim}, expected at least 1")
    if not 1 <= spread < np.inf:
        raise ValueError(f"spread: got {spread}, expected a finite number of at least 1")
    if design == "factor":
        return factor_rows(rows, factor_scales(dim, spread, rng), rng)
    if design == "multifactor":
        scales = spread ** (-np.arange(FACTORS) / FACTORS)
        common = (rng.standard_normal((rows, FACTORS)) * scales) @ rng.standard_normal((FACTORS, dim))
        return common + rng.standard_normal((rows, dim)) / spread
    if design == "ar":
        return np.cumsum(rng.standard_normal((rows, dim)), axis=1)
    if design == "cauchy":
        return 1 / (np.linspace(0, 1, rows)[:, None] + rng.uniform(0.01, 1, dim))
    if design == "pairs":
        if dim % 2:
            raise ValueError(f"dim: got {dim}, expected an even number of columns")
        return np.repeat(rng.standard_normal((rows, dim // 2)), 2, axis=1) + rng.standard_normal((rows, dim)) / spread
    if design == "vandermonde":
        return np.linspace(0, 1, rows)[:, None] ** np.arange(dim)
    return rng.standard_normal((rows, dim))


def factor_scales(dim: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Scales (d,) of the own parts of the columns of `factor`, spread^-U with U uniform on [0, 1]."""
    return spread ** -rng.uniform(size=dim)


def factor_rows(rows: int, scales: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows (n, d) of `factor`, which are independent given the scales: N(0, 1 1^T + diag(scales^2))."""
    return rng.standard_normal((rows, 1)) + scales * rng.standard_normal((rows, len(scales)))


def unit_columns(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of Euclidean length sqrt(n), and the lengths over sqrt(n) that they had; a zero column stays zero.

    Returns:
        (n, d) and (d,).

    Raises:
        ValueError: entries that are not finite, or not a matrix with a row and a column.
    """
    columns = np.asarray(columns, dtype=float)
    if columns.ndim != 2 or not columns.size:
        raise ValueError(f"columns: got shape {columns.shape}, expected (n, d), one row and one column at least")
    if not np.isfinite(columns).all():
        raise ValueError("columns: got entries that are not finite, expected finite ones")
    largest = np.abs(columns).max(axis=0)  # first, so that squares neither overflow nor vanish
    scaled = columns / np.where(largest > 0, largest, 1.0)
    lengths = np.sqrt(np.mean(scaled**2, axis=0))
    return scaled / np.where(lengths > 0, lengths, 1.0), lengths * largest


def random_support(dim: int, sparsity: int, rng: np.random.Generator) -> np.ndarray:
    """Places (k,) of a uniformly random subset of d, in rising order.

    Raises:
        ValueError: fewer than one place, or more than there are.
    """
    if not 1 <= sparsity <= dim:
        raise ValueError(f"sparsity: got {sparsity}, expected 1 to {dim}")
    return np.sort(rng.choice(dim, sparsity, replace=False))


def cancelling_signal(x: np.ndarray, support: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Signal of mean square 1 in which every singular direction of the chosen columns has an equal share.

    With X_S = U diag(s) V^T it is f = U e sqrt(n / k) for fair signs e, and w = V (e / s) sqrt(n / k): the smaller a
    singular value, the more the coefficients cancel. f is made of U itself, since X_S w loses digits where w is large.
    Singular values below 1e-13 of the largest are left out.

    Args:
        x: (n, d).
        support: (k,) places.
        rng: source of the signs.

    Returns:
        w (k,) on the support, and f (n,).

    Raises:
        ValueError: columns that are all zero.
    """
    left, values, right = np.linalg.svd(x[:, support], full_matrices=False)
    if not values[0] > 0:
        raise ValueError("support: got columns that are all zero, expected one that is not")
    known = values > 1e-13 * values[0]
    signs = rng.choice([-1.0, 1.0], len(values))[known] * np.sqrt(len(x) / known.sum())
    return right[known].T @ (signs / values[known]), left[:, known] @ signs


def sign_signal(x: np.ndarray, support: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Signal of mean square 1 with coefficients of equal size and fair signs; arguments as of `cancelling_signal`."""
    weights = rng.choice([-1.0, 1.0], len(support))
    signal = x[:, support] @ weights
    scale = np.sqrt(np.mean(signal**2))
    if not scale > 0:
        raise ValueError("support: got a signal of zero, expected columns whose sum is not zero")
    return weights / scale, signal / scale


class Problem(NamedTuple):
    """A design with a signal on a random support, and what is observed of it.

    Attributes:
        x: (n, d), columns of length sqrt(n).
        signal: (n,) of mean square 1.
        y: (n,), signal and Gaussian noise.
        support: (k,) places.
        weights: (k,) coefficients on the support.
    """

    x: np.ndarray
    signal: np.ndarray
    y: np.ndarray
    support: np.ndarray
    weights: np.ndarray


def draw_problem(
    design: str,
    rows: int,
    dim: int,
    spread: float,
    sparsity: int,
    noise: float,
    stream: Callable[[str], np.random.Generator],
) -> Problem:
    """Draw a problem with a cancelling signal.

    Args:
        design, rows, dim, spread: as of `draw_columns`.
        sparsity: k.
        noise: deviation of the noise.
        stream: a generator of its own for `design`, `support`, `signal` and `noise`, so that none depends on another.
    """
    x, _ = unit_columns(draw_columns(design, rows, dim, spread, stream("design")))
    support = random_support(dim, sparsity, stream("support"))
    weights, signal = cancelling_signal(x, support, stream("signal"))
    return Problem(x, signal, signal + noise * stream("noise").standard_normal(rows), support, weights)
