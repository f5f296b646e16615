"""Ratios of the fast forms to the plain ones: the theory solver, and one iteration of message passing."""

import timeit

import numpy as np
from scipy import integrate, optimize

from lib.amp import matrix as amp
from lib.linalg import random_matrix as rm
from lib.teacher_student import quadratic as q


def seconds(function, repeat: int = 3) -> float:
    """Best time of a few calls."""
    return min(timeit.repeat(function, number=1, repeat=repeat))


def scalar_solver(alpha: float, kappa: float) -> float:
    """Adaptive quadrature with one polynomial root finder call for each point of the density."""

    def rho(x, t):
        return np.abs(np.roots([t, -(x + kappa * t), 1 - kappa + kappa * x, -kappa]).imag).max() / np.pi

    def gap(log_q):
        t = np.exp(-log_q)
        bounds = rm.edges(kappa, t)
        value = sum(integrate.quad(lambda x: rho(x, t) ** 3, *bulk, limit=100, epsabs=1e-8)[0] for bulk in bounds)
        return 4 * np.pi**2 / 3 * value * t - (1 - 2 * alpha)

    return np.exp(optimize.brentq(gap, np.log(alpha * kappa), 4, xtol=1e-8))


def main() -> None:
    """Print the ratios."""
    alpha, kappa = np.linspace(0.05, 0.3, 16), 0.5
    fast = seconds(lambda: rm.mmse(alpha, kappa))
    slow = seconds(lambda: [scalar_solver(a, kappa) for a in alpha[::8]], 1) * 8
    print(f"theory curve, 16 points: batched {fast:.3f} s, scalar quadrature {slow:.1f} s, ratio {slow / fast:.0f}")

    rng = np.random.default_rng(0)
    for d in (40, 80):
        n = int(0.2 * d * d)
        x = rng.standard_normal((n, d))
        phi = (x[:, :, None] * x[:, None, :] - np.eye(d)) / np.sqrt(d)
        y = q.forward(x, q.sample_teacher(d, d // 2, rng))
        state = amp.step(amp.init(d, n, 0.5), q.RankOne(x), y, 0.1, amp.rie(0.5))[0]

        class Tensor:
            """The explicit n x d x d form."""

            def __init__(self, tensor):
                self.tensor, self.n, self.d = tensor, len(tensor), tensor.shape[1]

            def forward(self, s):
                return np.einsum("nij,ij->n", self.tensor, s)

            def adjoint(self, g):
                return np.einsum("n,nij->ij", g, self.tensor)

        gemm, tensor = q.RankOne(x), Tensor(phi)
        fast = seconds(lambda: gemm.adjoint(gemm.forward(state.estimate)))  # noqa: B023
        slow = seconds(lambda: tensor.adjoint(tensor.forward(state.estimate)))  # noqa: B023
        print(
            f"measurements and adjoint, d = {d}: GEMM {fast * 1e3:.2f} ms and {x.nbytes / 1e6:.1f} MB, "
            f"tensor {slow * 1e3:.2f} ms and {phi.nbytes / 1e6:.1f} MB, ratio {slow / fast:.1f}"
        )


if __name__ == "__main__":
    main()
