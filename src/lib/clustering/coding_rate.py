"""Lossy coding rates of features, whole and by groups with soft membership.

Rows are samples. Rates are in nats and have the factor 1/2; without it the two rates of one objective double alike.
"""

import torch


def check_rates(features: torch.Tensor, eps2: float) -> torch.Tensor:
    """Return features (n, d).

    Raises:
        ValueError: not a matrix with rows, entries that are not finite, or a distortion that is not positive.
    """
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"features: got shape {tuple(features.shape)}, expected (n, d) with n, d >= 1")
    if not torch.isfinite(features).all():
        raise ValueError("features: got entries that are not finite")
    if not eps2 > 0:
        raise ValueError(f"eps2: got {eps2}, expected a positive number")
    return features


def half_log_det(matrices: torch.Tensor) -> torch.Tensor:
    """Half of the log-determinant of positive definite matrices (..., d, d), by Cholesky."""
    return torch.linalg.cholesky(matrices).diagonal(dim1=-2, dim2=-1).log().sum(-1)


def coding_rate(features: torch.Tensor, eps2: float) -> torch.Tensor:
    """R(Z) = 1/2 log det(I + d / (n eps2) Z'Z), on the smaller side of Z.

    Args:
        features: (n, d), differentiable.
        eps2: squared distortion.

    Raises:
        ValueError: as of `check_rates`.

    Source: Ding et al. 2023, eq. 1 (there without 1/2).
    """
    n, d = check_rates(features, eps2).shape
    gram = features @ features.T if n < d else features.T @ features
    return half_log_det(torch.eye(min(n, d), dtype=gram.dtype, device=gram.device) + d / (n * eps2) * gram)


def compressed_rate(features: torch.Tensor, membership: torch.Tensor, eps2: float) -> torch.Tensor:
    """R_c(Z, P) = sum_j s_j / (2n) log det(I + d / (s_j eps2) Z' diag(P_j) Z), s_j the sum of column j.

    The groups are columns: n of a doubly stochastic membership, k of a softmax or of labels. Columns of sum 0 add
    nothing. All second moments are one product, P' (Z x Z), of 2 n m d^2 operations.

    Args:
        features: (n, d), differentiable.
        membership: (n, m), not negative, differentiable.
        eps2: squared distortion.

    Raises:
        ValueError: as of `check_rates`, or a membership of another number of rows.

    Source: Ding et al. 2023, eq. 3 (there without 1/2).
    """
    n, d = check_rates(features, eps2).shape
    if membership.ndim != 2 or len(membership) != n:
        raise ValueError(f"membership: got shape {tuple(membership.shape)}, expected {n} rows")
    sums = membership.sum(0)
    moments = (membership.T @ (features[:, :, None] * features[:, None, :]).view(n, d * d)).view(-1, d, d)
    scale = d / (eps2 * torch.where(sums > 0, sums, torch.ones_like(sums)))
    rates = half_log_det(torch.eye(d, dtype=moments.dtype, device=moments.device) + scale[:, None, None] * moments)
    return (sums * rates).sum() / n


def one_hot(labels: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Membership (n, k) of labels 0, ..., k - 1, for `compressed_rate`."""
    return torch.nn.functional.one_hot(labels).to(dtype)


def block_membership(labels: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Doubly stochastic membership (n, n) of labels: 1 / n_k between samples of group k, 0 elsewhere."""
    groups = one_hot(labels, dtype)
    return groups / groups.sum(0).clamp_min(1) @ groups.T


def numerical_rank(features: torch.Tensor, energy: float = 0.95) -> int:
    """Fewest principal directions, about the origin, that carry a share of the energy of features (n, d)."""
    squares = torch.linalg.svdvals(features.double()).square()
    return int((squares.cumsum(0) < energy * squares.sum()).sum()) + 1
