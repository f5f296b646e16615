"""A quadratic network as teacher, its measurements, and linear estimators of its weight matrix.

The teacher has m hidden units on d inputs: f_S(x) = x^T S x / d with S = W^T W / m. Sensing matrices are
Phi_i = (x_i x_i^T - I) / sqrt(d), so that E (tr Phi A)^2 = 2 |A|_F^2 / d for symmetric A. No function forms an
n x d x d array.
"""

import numpy as np


def sample_teacher(d: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Weight matrix S = W^T W / m, (d, d), of standard Gaussian W: (m, d); E S = I."""
    if d < 1 or m < 1:
        raise ValueError(f"d, m: got {d}, {m}, expected at least 1")
    w = rng.standard_normal((m, d))
    return w.T @ w / m


def reduced_noise(neuron_noise: float, kappa: float) -> float:
    """Noise variance of the reduced linear model for noise of variance `neuron_noise` inside each hidden unit."""
    return 2 * neuron_noise * (2 + neuron_noise) / kappa


def network_outputs(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Outputs f_S(x) = x^T S x / d of inputs (n, d), s: (d, d); returns (n,)."""
    return np.einsum("ij,ij->i", x @ s, x) / x.shape[1]


def forward(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Measurements tr(Phi_i S) of x: (n, d), s: (d, d); returns (n,)."""
    return (np.einsum("ij,ij->i", x @ s, x) - np.trace(s)) / np.sqrt(x.shape[1])


def adjoint(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    """sum_i g_i Phi_i for x: (n, d), g: (n,); returns (d, d)."""
    d = x.shape[1]
    return ((x.T * g) @ x - np.sum(g) * np.eye(d)) / np.sqrt(d)


class RankOne:
    """Sensing by the matrices Phi_i = (x_i x_i^T - I) / sqrt(d) of Gaussian inputs.

    Args:
        x: inputs (n, d).
    """

    def __init__(self, x: np.ndarray):
        if x.ndim != 2:
            raise ValueError(f"x: got shape {x.shape}, expected (n, d)")
        self.x = x
        self.n, self.d = x.shape

    def forward(self, s: np.ndarray) -> np.ndarray:
        """tr(Phi_i S), (n,)."""
        return forward(self.x, s)

    def adjoint(self, g: np.ndarray) -> np.ndarray:
        """sum_i g_i Phi_i, (d, d)."""
        return adjoint(self.x, g)


class Goe:
    """Sensing by symmetric Gaussian matrices of off-diagonal variance 1/d and diagonal variance 2/d.

    The upper triangles form one (n, d (d + 1) / 2) matrix, so both directions are matrix-vector products.

    Args:
        n, d: number and size of the matrices.
        rng: source of the entries.
    """

    def __init__(self, n: int, d: int, rng: np.random.Generator):
        self.n, self.d = n, d
        self.rows, self.columns = np.triu_indices(d)
        self.weight = np.where(self.rows == self.columns, 1.0, 2.0)
        self.upper = rng.standard_normal((n, len(self.rows))) * np.sqrt(np.where(self.weight == 1, 2.0, 1.0) / d)

    def forward(self, s: np.ndarray) -> np.ndarray:
        """tr(Phi_i S) of a symmetric S, (n,)."""
        return self.upper @ (self.weight * s[self.rows, self.columns])

    def adjoint(self, g: np.ndarray) -> np.ndarray:
        """sum_i g_i Phi_i, (d, d)."""
        result = np.zeros((self.d, self.d))
        result[self.rows, self.columns] = g @ self.upper
        return result + result.T - np.diag(np.diag(result))


def frobenius_error(estimate: np.ndarray, teacher: np.ndarray, kappa: float) -> np.ndarray:
    """Error (kappa / d) |S_hat - S|_F^2 over the last two axes; S_hat = I has error 1 as d grows."""
    return kappa / teacher.shape[-1] * np.sum((estimate - teacher) ** 2, axis=(-2, -1))


def measured_test_error(prediction: np.ndarray, x: np.ndarray, teacher: np.ndarray, m: int) -> float:
    """Error (m / 2) mean (f_hat - f_S)^2 of predictions (n,) on fresh inputs x: (n, d)."""
    return float(m / 2 * np.mean((prediction - network_outputs(x, teacher)) ** 2))


def gram(x: np.ndarray) -> np.ndarray:
    """Gram matrix tr(Phi_i Phi_j) of the sensing matrices of x: (n, d); returns (n, n)."""
    inner = x @ x.T
    squares = np.diag(inner)
    return (inner**2 - squares[:, None] - squares[None, :] + x.shape[1]) / x.shape[1]


def minimum_norm(x: np.ndarray, y: np.ndarray, cutoff: float = 1e-10) -> np.ndarray:
    """The interpolating estimate closest to I: I + sum c_i Phi_i with K c = y - tr Phi.

    Args:
        x: inputs (n, d).
        y: labels of the reduced model (n,).
        cutoff: eigenvalues of K below this fraction of the largest count as zero.
    """
    values, vectors = np.linalg.eigh(gram(x))
    nonzero = values > cutoff * values[-1]
    residual = y - forward(x, np.eye(x.shape[1]))
    c = vectors[:, nonzero] @ (vectors[:, nonzero].T @ residual / values[nonzero])
    return np.eye(x.shape[1]) + adjoint(x, c)


def ridge(x: np.ndarray, y: np.ndarray, penalties: np.ndarray, rng: np.random.Generator, held_out: float = 0.2):
    """Ridge regression around I; the penalty is chosen on held-out labels, the estimate fitted to all of them.

    Args:
        x: inputs (n, d).
        y: labels of the reduced model (n,).
        penalties: candidates, (k,).
        rng: shuffles the split.
        held_out: fraction of the labels that the choice rests on.

    Returns:
        `(estimate (d, d), penalty)`.
    """
    n, d = x.shape
    k, residual = gram(x), y - forward(x, np.eye(d))
    order = rng.permutation(n)
    test, train = np.split(order, [max(1, int(held_out * n))])
    values, vectors = np.linalg.eigh(k[np.ix_(train, train)])
    rotated = vectors.T @ residual[train]
    errors = [
        np.mean((k[np.ix_(test, train)] @ (vectors @ (rotated / (values + penalty))) - residual[test]) ** 2)
        for penalty in penalties
    ]
    best = float(penalties[int(np.argmin(errors))])
    c = np.linalg.solve(k + best * np.eye(n), residual)
    return np.eye(d) + adjoint(x, c), best


def spectral(x: np.ndarray, y: np.ndarray, kappa: float, noise: float) -> np.ndarray:
    """One step of correlation followed by the optimal denoiser: the first iterate of state evolution."""
    from lib.linalg.random_matrix import rie_denoise

    n, d = x.shape
    alpha = n / d**2
    observed = np.eye(d) + d / (2 * n) * adjoint(x, y - forward(x, np.eye(d)))
    return rie_denoise(observed, kappa, (noise + 2 / kappa) / (4 * alpha))


def linear_regression(x: np.ndarray, labels: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Least squares of the raw labels on (1, x); returns predictions on fresh inputs."""
    design = np.column_stack([np.ones(len(x)), x])
    coefficients = np.linalg.lstsq(design, labels, rcond=None)[0]
    return np.column_stack([np.ones(len(fresh)), fresh]) @ coefficients
