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
    """Finished runs: weights (B, m, d), mean squared residuals (B,), steps that each took (B,), last learning rate."""

    weights: np.ndarray
    losses: np.ndarray
    steps: np.ndarray
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
    weight_decay: float | np.ndarray = 0.0,
    stop_at: float = 1e-7,
    check_every: int = 50,
    device: str = "cpu",
) -> Descent:
    """Train B networks on the same data from B starts, in the precision of the starts.

    Every `check_every` steps the mean squared residuals are checked. If one is not finite or has doubled, all runs go
    back to the last good weights and the learning rate is halved. A run whose residual is below `stop_at` ends there;
    the others go on without it.

    Single precision is enough for interpolation: on a CPU it takes half the time, and the matrices S of runs that end
    at a mean squared residual of 1e-7 have the same errors to 1e-4 as in double precision.

    Args:
        x: inputs (n, d).
        y: labels (n,), in the units of f.
        start: weights (B, m, d), float32 or float64.
        learning_rate: first step size on the summed loss.
        steps: at most this many.
        weight_decay: lambda in the update W -= lr (gradient + lambda W), one for all runs or one for each, (B,).
        stop_at: mean squared residual at which a run has converged.
        check_every: steps between two checks.
        device: torch device.

    Raises:
        ValueError: shapes that do not fit, or a learning rate that had to fall below a thousandth of the first.
    """
    if x.ndim != 2 or y.shape != (len(x),) or start.ndim != 3 or start.shape[2] != x.shape[1]:
        raise ValueError(
            f"x, y, start: got shapes {x.shape}, {y.shape}, {start.shape}, expected (n, d), (n,), (B, m, d)"
        )
    inputs, labels, w = (torch.from_numpy(np.ascontiguousarray(v, dtype=start.dtype)).to(device) for v in (x, y, start))
    products, i, j = monomials(inputs)
    decay = torch.as_tensor(np.broadcast_to(weight_decay, len(start)).astype(start.dtype), device=device)[:, None, None]
    lowest = learning_rate / 1000
    # residuals at rest are rounding errors, which may double at any check
    rest = max(stop_at, 1e-12, float(8 * torch.finfo(w.dtype).eps * labels.abs().max()) ** 2)
    final, final_losses = w.clone(), torch.empty(len(w), dtype=w.dtype, device=device)
    final_steps = np.zeros(len(w), dtype=int)
    running = torch.arange(len(w), device=device)
    r = residuals(w, labels, products, i, j)
    safe, safe_losses, safe_step = w, (r**2).mean(0), 0
    step = 0
    while len(running):
        w = w - learning_rate * (gradient(w, r, products, i, j) + decay * w)
        step += 1
        r = residuals(w, labels, products, i, j)
        if step % check_every and step < steps:
            continue
        losses = (r**2).mean(0)
        if not bool(torch.all(losses <= 2 * safe_losses + rest)):
            learning_rate /= 2
            if learning_rate < lowest:
                raise ValueError(f"learning rate fell below {lowest}: training does not settle")
            w, step = safe, safe_step
            r = residuals(w, labels, products, i, j)
            continue
        ends = losses < stop_at if step < steps else torch.ones_like(losses, dtype=torch.bool)
        final[running[ends]], final_losses[running[ends]] = w[ends], losses[ends]
        final_steps[running[ends].cpu().numpy()] = step
        if bool(ends.any()):
            w, r, losses = w[~ends], r[:, ~ends].contiguous(), losses[~ends]
            running, decay = running[~ends], decay[~ends]
        safe, safe_losses, safe_step = w, losses, step
    return Descent(final.cpu().numpy(), final_losses.cpu().numpy(), final_steps, learning_rate)
