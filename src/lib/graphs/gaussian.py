"""Random Gaussian graphical models: sparse precision matrices whose zeros are the missing edges."""

import numpy as np


def random_precision(
    nodes: int,
    edge_probability: float,
    weights: tuple[float, float],
    smallest_eigenvalue: float,
    rng: np.random.Generator,
    size: tuple[int, ...] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Sparse symmetric precisions with edges of either sign and a diagonal of at least one.

    Where the smallest eigenvalue lies below its bound, all entries of the diagonal are raised by the difference.

    Args:
        nodes: D.
        edge_probability: probability of each edge, in [0, 1].
        weights: absolute values of the off-diagonal entries are uniform between these two.
        smallest_eigenvalue: lower bound on the eigenvalues, > 0.
        rng: random generator.
        size: leading axes.

    Returns:
        `(precision, adjacency)`, (*size, D, D) float64 and boolean.

    Raises:
        ValueError: an argument outside its range.
    """
    if not 0 <= edge_probability <= 1:
        raise ValueError(f"edge_probability: got {edge_probability}, expected a number between 0 and 1")
    if not 0 < weights[0] <= weights[1]:
        raise ValueError(f"weights: got {weights}, expected 0 < low <= high")
    if not smallest_eigenvalue > 0:
        raise ValueError(f"smallest_eigenvalue: got {smallest_eigenvalue}, expected a number > 0")
    rows, columns = np.triu_indices(nodes, 1)
    shape = (*size, len(rows))
    edge = rng.random(shape) < edge_probability
    value = rng.uniform(*weights, shape) * rng.choice([-1.0, 1.0], shape) * edge
    precision = np.zeros((*size, nodes, nodes))
    precision[..., rows, columns] = precision[..., columns, rows] = value
    diagonal = np.arange(nodes)
    precision[..., diagonal, diagonal] = 1.0
    adjacency = (precision != 0) & ~np.eye(nodes, dtype=bool)
    lowest = np.linalg.eigvalsh(precision)[..., 0]
    precision[..., diagonal, diagonal] += np.maximum(smallest_eigenvalue - lowest, 0)[..., None]
    return precision, adjacency
