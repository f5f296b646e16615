"""Full-batch gradient descent on quadratic networks, all initialisations at once and without autograd.

The network is f(x) = (1 / sqrt(m)) sum_k (w_k . x / sqrt(d))^2 and the loss (1/4) sum_i (f(x_i) - y_i)^2 (Maillard et
al. 2024, authors' code). With r = f - y and M = X^T diag(r) X the gradient is W M / (d sqrt(m)). Residuals of all
initialisations and all M are two products with one matrix of the monomials x_i x_j, i <= j, which halves the
arithmetic of (X S) * X and needs no array of size n x d for each initialisation.
"""

from typing import NamedTuple

import numpy as np
import torch


class Descent(NamedTuple):
    """Finished runs: weights (B, m, d), mean squared residuals (B,), their trace, steps taken, last learning rate."""

    weights: np.ndarray
    losses: np.ndarray
    trace_step: np.ndarray
    trace_loss: np.ndarray
    steps: int
    learning_rate: float


def monomials(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Products x_i x_j with i <= j of inputs (n, d): (n, d (d + 1) / 2), and the indices i and j."""
    i, j = torch.triu_indices(x.shape[1], x.shape[1], device=x.device)
    return x[:, i] * x[:, j], i, j


def gradient(w: torch.Tensor, residual: torch.Tensor, products: torch.Tensor, i, j) -> torch.Tensor:
    """Gradient of the loss, (B, m, d), from weights (B, m, d), residuals (n, B) and the inputs' monomials."""
    batch, m, d = w.shape
    correlation = torch.empty(batch, d, d, dtype=w.dtype, device=w.device)
    packed = (products.T @ residual).T
    correlation[:, i, j] = packed
    correlation[:, j, i] = packed
    return w @ correlation / (d * m**0.5)


def residuals(w: torch.Tensor, y: torch.Tensor, products: torch.Tensor, i, j) -> torch.Tensor:
    """f(x) - y for every sample and run, (n, B)."""
    _, m, d = w.shape
    square = w.transpose(1, 2) @ w
    packed = square[:, i, j] * torch.where(i == j, 1.0, 2.0).to(w.dtype)
    return products @ (packed.T / (d * m**0.5)) - y[:, None]


def batched_quadratic_gd(
    x: np.ndarray,
    y: np.ndarray,
    start: np.ndarray,
    *,
    learning_rate: float,
    steps: int,
    weight_decay: float = 0.0,
    stop_at: float = 1e-7,
    check_every: int = 50,
    device: str = "cpu",
) -> Descent:
    """Train B networks on the same data from B starts.

    Every `check_every` steps the mean squared residuals are checked: if one is not finite or has doubled, all runs go
    back to the last good weights and the learning rate is halved; when all are below `stop_at`, training ends.

    Args:
        x: inputs (n, d).
        y: labels (n,), in the units of f.
        start: weights (B, m, d).
        learning_rate: first step size on the summed loss.
        steps: at most this many.
        weight_decay: lambda in the update W -= lr (gradient + lambda W).
        stop_at: mean squared residual at which a run counts as converged.
        check_every: steps between two checks.
        device: torch device.

    Raises:
        ValueError: shapes that do not fit, or a learning rate that had to fall below a thousandth of the first.
    """
    if x.ndim != 2 or y.shape != (len(x),) or start.ndim != 3 or start.shape[2] != x.shape[1]:
        raise ValueError(
            f"x, y, start: got shapes {x.shape}, {y.shape}, {start.shape}, expected (n, d), (n,), (B, m, d)"
        )
    inputs, labels, w = (torch.from_numpy(np.ascontiguousarray(v)).to(device) for v in (x, y, start))
    products, i, j = monomials(inputs)
    lowest = learning_rate / 1000
    r = residuals(w, labels, products, i, j)
    losses = (r**2).mean(0)
    safe, safe_losses, safe_step = w.clone(), losses, 0
    trace = [(0, losses.cpu().numpy())]
    step = 0
    while step < steps:
        w = w - learning_rate * (gradient(w, r, products, i, j) + weight_decay * w)
        step += 1
        r = residuals(w, labels, products, i, j)
        if step % check_every and step < steps:
            continue
        losses = (r**2).mean(0)
        if not bool(torch.all(losses <= 2 * safe_losses + max(stop_at, 1e-12))):
            learning_rate /= 2
            if learning_rate < lowest:
                raise ValueError(f"learning rate fell below {lowest}: training does not settle")
            w, losses, step = safe.clone(), safe_losses, safe_step
            r = residuals(w, labels, products, i, j)
            continue
        safe, safe_losses, safe_step = w.clone(), losses, step
        trace.append((step, losses.cpu().numpy()))
        if float(losses.max()) < stop_at:
            break
    return Descent(
        w.cpu().numpy(),
        losses.cpu().numpy(),
        np.array([item[0] for item in trace]),
        np.stack([item[1] for item in trace]),
        step,
        learning_rate,
    )
