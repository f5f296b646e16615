"""Random designs of sparse regression, their covariances, and sums over a very large number of rows.

x ~ uniform on {+-1}^d (`rademacher`), its signs from an autoregressive Gaussian (`arsign`), the Gaussian itself
(`gaussian_ar`), or uniform on [-1, 1]^d (`uniform`).
"""

import numpy as np

DESIGNS = ("rademacher", "arsign", "gaussian_ar", "uniform")
CORRELATION = 0.5


def design_covariance(design: str, dim: int, correlation: float = CORRELATION) -> np.ndarray:
    """Covariance (d, d) of a design.

    Signs of Gaussians of correlation c have correlation 2 / pi arcsin(c).

    Raises:
        ValueError: another design.
    """
    lag = np.abs(np.subtract.outer(np.arange(dim), np.arange(dim)))
    if design == "rademacher":
        return np.eye(dim)
    if design == "uniform":
        return np.eye(dim) / 3
    if design == "gaussian_ar":
        return correlation**lag
    if design == "arsign":
        return 2 / np.pi * np.arcsin(correlation**lag)
    raise ValueError(f"design: got {design!r}, expected one of {', '.join(DESIGNS)}")


def draw_design(
    design: str, rows: int, dim: int, rng: np.random.Generator, correlation: float = CORRELATION
) -> np.ndarray:
    """Rows (n, d) of a design.

    Raises:
        ValueError: another design.
    """
    if design == "rademacher":
        return rng.integers(0, 2, (rows, dim), dtype=np.int8) * 2.0 - 1.0
    if design == "uniform":
        return rng.uniform(-1, 1, (rows, dim))
    if design not in DESIGNS:
        raise ValueError(f"design: got {design!r}, expected one of {', '.join(DESIGNS)}")
    x = rng.standard_normal((rows, dim))
    for j in range(1, dim):
        x[:, j] = correlation * x[:, j - 1] + np.sqrt(1 - correlation**2) * x[:, j]
    return np.sign(x) if design == "arsign" else x


def spread_parameter(dim: int, sparsity: int, first: float | None = None) -> np.ndarray:
    """Theta (d,) of l1 norm 1 on the first k coordinates, with alternating signs: all +-1 / k, or one `first`."""
    theta = np.zeros(dim)
    theta[:sparsity] = 1 / sparsity
    if first is not None and sparsity > 1:
        theta[:sparsity] = (1 - first) / (sparsity - 1)
        theta[0] = first
    theta[1:sparsity:2] *= -1
    return theta


def random_parameter(dim: int, sparsity: int, rng: np.random.Generator) -> np.ndarray:
    """Parameter (d,) of l1 norm 1 with k entries of +-1 / k, at places and with signs drawn at random."""
    theta = np.zeros(dim)
    theta[rng.choice(dim, sparsity, replace=False)] = rng.choice([-1.0, 1.0], sparsity) / sparsity
    return theta


def _count_signs(rows: float, dim: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The 2^dim sign vectors, and how often each comes among n fair draws."""
    if dim > 16:
        raise ValueError(f"theta: got {dim} features, expected at most 16, since 2^d sign vectors are counted")
    cells = 1 - 2.0 * ((np.arange(2**dim)[:, None] >> np.arange(dim)) & 1)
    return cells, rng.multinomial(int(rows), np.full(len(cells), 1 / len(cells)))


def rademacher_sums(
    rows: float, theta: np.ndarray, noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Means of x x^T and x y over n rows of the Rademacher design, drawn exactly without drawing rows.

    y = <theta, x> +- noise with fair signs. How often each of the 2^d sign vectors comes is one multinomial draw, how
    often each has a positive error one binomial draw; memory and time grow like 2^d, not like n.

    Args:
        rows: number n of rows, up to 2^62.
        theta: (d,), d at most 16.
        noise: size of the errors.
        rng: source of randomness.

    Returns:
        (d, d) and (d,).

    Raises:
        ValueError: more than 16 features.
    """
    cells, counts = _count_signs(rows, len(theta), rng)
    errors = (2 * rng.binomial(counts, 0.5) - counts) * noise
    weighted = cells * (counts / rows)[:, None]
    square = cells.T @ weighted
    return square, square @ theta + cells.T @ (errors / rows)


def binary_label_sums(rows: float, theta: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same for labels y in {+-1} with P(y = 1 | x) = (1 + <theta, x>) / 2, for |theta|_1 <= 1 and d <= 16."""
    cells, counts = _count_signs(rows, len(theta), rng)
    labels = 2 * rng.binomial(counts, np.clip((1 + cells @ theta) / 2, 0, 1)) - counts
    return cells.T @ (cells * (counts / rows)[:, None]), cells.T @ (labels / rows)
