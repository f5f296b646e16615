"""Order of the exponential-trapezoidal step on a scalar equation, and the complex recurrence behind the rotation."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from kernels.mamba3 import exp_trapezoid_coeffs

EXPONENTS = ("right", "average")


def integrate(
    rate: Callable[[np.ndarray], np.ndarray],
    drive: Callable[[np.ndarray], np.ndarray],
    steps: int,
    lam: float,
    exponent: str = "right",
) -> float:
    """h(1) of h' = A(t) h + u(t), h(0) = 0, by the three-term recurrence with u as the input (sec. 3.1).

    Args:
        rate: A(t) <= 0.
        drive: u(t) = B(t) x(t).
        steps: equal steps.
        lam: weight of the right end of a step.
        exponent: `right` takes alpha_t = exp(dt A_t); `average` exp(dt (A_{t-1} + A_t) / 2).

    Raises:
        ValueError: another exponent.
    """
    if exponent not in EXPONENTS:
        raise ValueError(f"exponent: got {exponent!r}, expected one of {', '.join(EXPONENTS)}")
    time = np.linspace(0, 1, steps + 1)
    A, u, dt = rate(time), drive(time), 1 / steps
    A = A[1:] if exponent == "right" else (A[:-1] + A[1:]) / 2
    weight = torch.full((steps,), lam, dtype=torch.float64)
    alpha, beta, gamma = (
        value.numpy() for value in exp_trapezoid_coeffs(torch.full_like(weight, dt), torch.from_numpy(A), weight)
    )
    h = 0.0
    for t in range(steps):
        h = alpha[t] * h + beta[t] * u[t] + gamma[t] * u[t + 1]
    return h


def exact(rate: Callable, drive: Callable) -> float:
    """h(1) of the same equation by an adaptive eighth-order method at the limit of double precision."""
    solution = solve_ivp(lambda t, h: rate(t) * h + drive(t), (0, 1), [0.0], method="DOP853", rtol=1e-13, atol=1e-15)
    return float(solution.y[0, -1])


def complex_scan(C: Tensor, B: Tensor, x: Tensor, log_decay: Tensor, dt: Tensor, lam: Tensor, turn: Tensor) -> Tensor:
    """Real part of the complex state space model that Mamba-3 rotates into a real one (sec. 3.2).

    With b = B_{2i} + i B_{2i+1} and turns w_t: h <- alpha e^{-iw} (h + (1 - lam) dt b_{t-1} x_{t-1}) + lam dt b_t x_t,
    y_t = Re sum conj(c_t) h.

    Args:
        C, B: `[b,T,H,N]`, N even.
        x: `[b,T,H,P]`.
        log_decay, dt, lam: `[b,T,H]`.
        turn: angle of each token, `[b,T,H,N/2]`.

    Returns:
        `[b,T,H,P]`.
    """
    c, b = (torch.view_as_complex(value.unflatten(-1, (-1, 2)).contiguous()) for value in (C, B))
    factor = torch.polar(torch.exp(log_decay)[..., None].expand_as(turn), -turn)
    h = torch.zeros(*x.shape[:1], *x.shape[2:], b.shape[-1], dtype=b.dtype)
    before = torch.zeros_like(h)
    outputs = []
    for t in range(x.shape[1]):
        now = x[:, t, :, :, None] * b[:, t, :, None]
        left, right = ((1 - lam) * dt)[:, t, :, None, None], (lam * dt)[:, t, :, None, None]
        h = factor[:, t, :, None] * (h + left * before) + right * now
        outputs.append((h * c[:, t, :, None].conj()).sum(-1).real)
        before = now
    return torch.stack(outputs, 1)
