"""Ratios of the batched samplers and solver to plain forms, and to DPPy where it is installed (`pip install dppy`)."""

import time
import timeit

import numpy as np
from scipy import special, stats
from sklearn.linear_model import LinearRegression

from lib.regression.weighted import weighted_least_squares
from lib.sampling.bases import Legendre
from lib.sampling.designs import sample_design
from lib.sampling.dpp import sample_projection_dpp


def seconds(function, repeat: int = 3) -> float:
    """Best time of a few calls."""
    return min(timeit.repeat(function, number=1, repeat=repeat))


def plain_dpp(m: int, rng) -> np.ndarray:
    """One draw by the chain rule, one proposal after the other, as the algorithm is written."""
    degrees, scale = np.arange(m), np.sqrt(2 * np.arange(m) + 1)
    q, points = np.empty((m, 0)), []
    for _ in range(m):
        while True:
            j = rng.integers(m)
            while True:
                x = np.cos(np.pi * rng.random())
                bound = (2 * j + 1) * special.eval_legendre(j, x) ** 2 * np.pi / 4 * np.sqrt(1 - x * x)
                if rng.random() < bound:
                    break
            phi = scale * special.eval_legendre(degrees, x)
            if rng.random() < 1 - np.sum((q.T @ phi) ** 2) / (phi @ phi):
                break
        for _ in range(2):
            phi = phi - q @ (q.T @ phi)
        q = np.column_stack([q, phi / np.linalg.norm(phi)])
        points.append(x)
    return np.array(points)


def main() -> None:
    """Print the ratios."""
    rng = np.random.default_rng(0)
    for m, batch, single in ((10, 600, 60), (50, 200, 4)):
        fast = seconds(lambda: sample_projection_dpp(Legendre(m), rng, batch)) / batch  # noqa: B023
        slow = seconds(lambda: [plain_dpp(m, rng) for _ in range(single)], 1) / single  # noqa: B023
        print(f"projection DPP, m = {m}: batched {fast * 1e3:.3f} ms a draw, plain {slow * 1e3:.1f} ms")
        print(f"  ratio {slow / fast:.0f}")

    try:
        from dppy.multivariate_jacobi_ope import MultivariateJacobiOPE
    except ImportError:
        print("DPPy is not installed: no comparison with it")
    else:
        m, draws = 50, 40
        peer = MultivariateJacobiOPE(m, np.zeros((1, 2)))
        start = time.perf_counter()
        theirs = np.array([peer.sample(random_state=seed, tridiag_1D=False)[:, 0] for seed in range(draws)])
        slow = (time.perf_counter() - start) / draws
        fast = seconds(lambda: sample_projection_dpp(Legendre(m), rng, 200)) / 200
        ours = sample_projection_dpp(Legendre(m), rng, 2000)[..., 0]
        same = [
            stats.ks_2samp(statistic(ours), statistic(theirs)).pvalue
            for statistic in (lambda x: np.sum(x**2, axis=1), lambda x: x.max(1), lambda x: np.sum(x < 0.2, axis=1))
        ]
        print(
            f"projection DPP, m = {m}: DPPy's chain rule {slow * 1e3:.1f} ms a draw, ratio {slow / fast:.0f}; "
            f"two-sample p-values {', '.join(f'{p:.2f}' for p in same)}"
        )

    design = sample_design("vol", Legendre(10), 40, rng, 500)
    y = np.stack([np.sin(k * design.x[..., 0]) for k in range(1, 6)], axis=-1)

    def loop():
        for phi, w, target in zip(design.phi, design.w, y):
            LinearRegression(fit_intercept=False).fit(phi, target, sample_weight=w)

    fast, slow = seconds(lambda: weighted_least_squares(design.phi, design.w, y)), seconds(loop)
    print(f"least squares, 500 designs: batched {fast * 1e3:.1f} ms, scikit-learn one by one {slow * 1e3:.0f} ms")
    print(f"  ratio {slow / fast:.0f}")


if __name__ == "__main__":
    main()
