"""CPU time of rates, projections and self-expression, over that of a peer."""

import warnings

import numpy as np
import torch
from sklearn.linear_model import ElasticNet

from lib.bench.ratios import cpu_ratio
from lib.clustering.coding_rate import compressed_rate
from lib.clustering.elastic_net import self_expression
from lib.clustering.membership import project, sinkhorn
from lib.clustering.spectral import unit_rows


def rate_by_broadcasting(z, membership, eps2):
    """The same rate from the array (n, d, n) of all weighted features, determinants by LU."""
    n, d = z.shape
    sums = membership.sum(0)
    weighted = z.T[None] * membership.T[:, None, :]
    matrices = torch.eye(d, dtype=z.dtype) + (d / (sums * eps2))[:, None, None] * (weighted @ z)
    return (sums * torch.logdet(matrices)).sum() / (2 * n)


def compare_rates(n, d, rng):
    """Print the ratio of value and gradient for one batch."""
    z = torch.from_numpy(unit_rows(rng.standard_normal((n, d)))).float().requires_grad_()
    membership = sinkhorn((z @ z.T).detach(), 0.175, 51)
    assert torch.allclose(compressed_rate(z, membership, 0.2), rate_by_broadcasting(z, membership, 0.2), rtol=1e-4)
    ratio = cpu_ratio(
        lambda: compressed_rate(z, membership, 0.2).backward(),
        lambda: rate_by_broadcasting(z, membership, 0.2).backward(),
    )
    print(f"rate and gradient, n = {n}, d = {d}: {ratio:.2f} of broadcasting with LU")


def sinkhorn_numpy(similarity, eta, tolerance):
    """Plain Sinkhorn: rows and columns in turn on the exponentiated kernel."""
    kernel = np.exp((similarity - similarity.max()) / eta)
    a, b = np.ones(len(kernel)), np.ones(len(kernel))
    while True:
        a = 1 / (kernel @ b)
        b = 1 / (kernel.T @ a)
        if np.abs(a * (kernel @ b) - 1).max() < tolerance:
            return a[:, None] * kernel * b


def compare_projections(n, rng):
    """Print the ratio at one size and equal tolerance."""
    c = unit_rows(rng.standard_normal((n, 32)))
    gram = c @ c.T
    assert np.allclose(project(gram, 0.08, tolerance=1e-9).membership, sinkhorn_numpy(gram, 0.08, 1e-9), atol=1e-7)
    ratio = cpu_ratio(lambda: project(gram, 0.08), lambda: sinkhorn_numpy(gram, 0.08, 1e-6))
    print(f"projection, n = {n}: {ratio:.2f} of Sinkhorn by rows and columns")


def elastic_nets(x, g):
    """Coordinate descent of scikit-learn with the Gram matrix, sample by sample."""
    n, d = x.shape
    result = np.zeros((n, n))
    gram = x @ x.T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for j in range(n):
            others = np.delete(np.arange(n), j)
            alpha = g * 0.9 / np.abs(gram[j, others]).max()
            model = ElasticNet(
                alpha=1 / (d * alpha), l1_ratio=0.9, fit_intercept=False, precompute=gram[np.ix_(others, others)],
                tol=1e-6, max_iter=50000,
            )  # fmt: skip
            result[j, others] = model.fit(x[others].T, x[j]).coef_
    return result


def compare_self_expression(n, rng):
    """Print the ratio for one number of samples near four subspaces."""
    x = [rng.standard_normal((n // 4, 3)) @ rng.standard_normal((3, 30)) for _ in range(4)]
    x = unit_rows(np.concatenate(x) + 0.05 * rng.standard_normal((n, 30)))
    assert np.abs(self_expression(x, 50).toarray() - elastic_nets(x, 50)).max() < 1e-2
    ratio = cpu_ratio(lambda: self_expression(x, 50), lambda: elastic_nets(x, 50), repeats=2)
    print(f"self-expression, n = {n}: {ratio:.3f} of scikit-learn's elastic net")


def main() -> None:
    """Print the ratios, ours over the peer."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    compare_rates(200, 32, rng)
    compare_projections(1000, rng)
    compare_self_expression(200, rng)


if __name__ == "__main__":
    main()
