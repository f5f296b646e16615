"""Theory curve, measurements and gradient descent beside vectorised peers that reach the same values; CPU times.

Ratios are ours over the peer's: below 1 ours is faster.
"""

import numpy as np
import torch
from scipy import optimize
from threadpoolctl import threadpool_limits

from lib.bench.ratios import cpu_ratio
from lib.linalg import random_matrix as rm
from lib.teacher_student import quadratic as q
from lib.training.quadratic import batched_quadratic_gd

U, W = np.polynomial.legendre.leggauss(300)
SINE, WEIGHT = np.sin(U * np.pi / 2), W * np.pi / 2 * np.cos(U * np.pi / 2)


def cardano_density(x: np.ndarray, kappa: float, t: float) -> np.ndarray:
    """Density of mu_t inside its support by Cardano's formula, without care for cancellation."""
    a2, a1, a0 = -(x + kappa * t) / t, (1 - kappa + kappa * x) / t, -kappa / t
    p, q = a1 - a2**2 / 3, 2 * a2**3 / 27 - a2 * a1 / 3 + a0
    root = np.sqrt(np.maximum((q / 2) ** 2 + (p / 3) ** 3, 0))
    return np.sqrt(3) / 2 * np.abs(np.cbrt(-q / 2 + root) - np.cbrt(-q / 2 - root)) / np.pi


def bayes_error(alpha: float, kappa: float) -> float:
    """Noiseless Bayes error of one point: Gauss-Legendre nodes computed once, Cardano, Brent."""

    def gap(log_q):
        t = np.exp(-log_q)
        panels = rm.edges(kappa, t)
        middle, half = panels.mean(-1, keepdims=True), np.ptp(panels, axis=-1)[:, None] / 2
        cubed = np.sum(WEIGHT * half * cardano_density(middle + half * SINE, kappa, t) ** 3)
        return 4 * np.pi**2 / 3 * cubed * t - (1 - 2 * alpha)

    low = np.log(alpha * kappa)
    while gap(low + 0.7) > 0:
        low += 0.7
    return kappa * 2 * alpha / np.exp(optimize.brentq(gap, low, low + 0.7, xtol=1e-12))


def autograd_descent(x, y, start, learning_rate: float, steps: int):
    """Gradient descent by autograd in single precision, on the quadratic form of each sample."""
    x, y, w = (torch.from_numpy(v.astype(np.float32)) for v in (x, y, start))
    w.requires_grad_()
    for _ in range(steps):
        s = w.transpose(1, 2) @ w
        outputs = ((x @ s) * x).sum(-1) / (x.shape[1] * w.shape[1] ** 0.5)
        (step,) = torch.autograd.grad(0.25 * ((outputs - y) ** 2).sum(), w)
        w = (w - learning_rate * step).detach().requires_grad_()
    return w.detach().numpy()


def main() -> None:
    """Print the ratios, and how far the two results are apart."""
    alpha, kappa = np.linspace(0.005, 0.37, 62), 0.5
    apart = np.abs(rm.mmse(alpha, kappa)[0] - [bayes_error(a, kappa) for a in alpha]).max()
    ratio = cpu_ratio(lambda: rm.mmse(alpha, kappa), lambda: [bayes_error(a, kappa) for a in alpha])
    print(f"theory curve of 62 points over NumPy with Cardano: {ratio:.2f}; errors within {apart:.0e}")

    rng = np.random.default_rng(0)
    for d in (40, 80):
        n = int(0.2 * d * d)
        x, s = rng.standard_normal((n, d)), q.sample_teacher(d, d // 2, rng)
        tensor = ((x[:, :, None] * x[:, None, :] - np.eye(d)) / np.sqrt(d)).reshape(n, -1)
        operator = q.RankOne(x)
        apart = np.abs(operator.forward(s) - tensor @ s.ravel()).max()
        ratio = cpu_ratio(
            lambda: operator.adjoint(operator.forward(s)),  # noqa: B023
            lambda: (tensor @ s.ravel()) @ tensor,  # noqa: B023
            repeats=20,
        )
        print(
            f"measurements and adjoint at d = {d} over the explicit tensor's ({tensor.nbytes / 1e6:.0f} MB, "
            f"ours {x.nbytes / 1e6:.1f} MB): {ratio:.2f}; within {apart:.0e}"
        )

    d, m, n = 40, 20, 480
    x, teacher = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    y = np.sum((x @ teacher.T) ** 2, axis=1) / d / np.sqrt(m)
    start, steps = rng.standard_normal((64, m, d)).astype(np.float32), 100
    options = {"learning_rate": 0.03, "steps": steps}
    ours = batched_quadratic_gd(x, y, start, **options).weights
    apart = np.abs(ours - autograd_descent(x, y, start, **options)).max()
    ratio = cpu_ratio(
        lambda: batched_quadratic_gd(x, y, start, **options),
        lambda: autograd_descent(x, y, start, **options),
        repeats=3,
    )
    double = cpu_ratio(
        lambda: batched_quadratic_gd(x, y, start, **options),
        lambda: batched_quadratic_gd(x, y, start.astype(float), **options),
        repeats=3,
    )
    print(
        f"descent of 64 networks at d = 40 over autograd: {ratio:.2f}; weights within {apart:.0e}; "
        f"over itself in double precision: {double:.2f}"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    with threadpool_limits(1):
        main()
