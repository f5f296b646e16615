"""Batched samplers beside the chain rule and DPPy (`pip install dppy`), the solver beside batched QR; CPU times."""

import time
import timeit

import numpy as np
from scipy import stats

from lib.regression.weighted import weighted_least_squares
from lib.sampling.bases import Legendre
from lib.sampling.designs import sample_design
from lib.sampling.dpp import sample_by_chain_rule, sample_projection_dpp


def seconds(function, repeat: int = 3) -> float:
    """Best CPU time of a few calls."""
    return min(timeit.repeat(function, timer=time.process_time, number=1, repeat=repeat))


def batched_qr(phi, w, y):
    """Least squares by one QR for each design, without eigenvalues and without a look at the rank."""
    root = np.sqrt(w)[..., None]
    q, r = np.linalg.qr(root * phi)
    return np.linalg.solve(r, q.swapaxes(-1, -2) @ (root * y))


def main() -> None:
    """Print the ratios."""
    rng = np.random.default_rng(0)
    for m in (10, 40):
        fast = seconds(lambda: sample_projection_dpp(Legendre(m), rng, 500)) / 500  # noqa: B023
        chain = seconds(lambda: sample_by_chain_rule(Legendre(m), rng, 500)) / 500  # noqa: B023
        print(f"projection DPP, m = {m}: {fast * 1e6:.0f} us a draw, batched chain rule {chain * 1e6:.0f} us")

    try:
        from dppy.multivariate_jacobi_ope import MultivariateJacobiOPE
    except ImportError:
        print("DPPy is not installed: no comparison with it")
    else:
        m, draws = 40, 500
        peer = MultivariateJacobiOPE(m, np.zeros((1, 2)))
        start = time.process_time()
        theirs = np.array([peer.sample(random_state=seed)[:, 0] for seed in range(draws)])
        slow = (time.process_time() - start) / draws
        fast = seconds(lambda: sample_projection_dpp(Legendre(m), rng, 500)) / 500
        ours = sample_projection_dpp(Legendre(m), rng, 2000)[..., 0]
        same = [
            stats.ks_2samp(statistic(ours), statistic(theirs)).pvalue
            for statistic in (lambda x: np.sum(x**2, axis=1), lambda x: x.max(1), lambda x: np.sum(x < 0.2, axis=1))
        ]
        print(
            f"projection DPP, m = {m}: ours over DPPy's default {fast / slow:.2f}; "
            f"two-sample p-values {', '.join(f'{p:.2f}' for p in same)}"
        )

    design = sample_design("vol", Legendre(10), 40, rng, 500)
    y = np.stack([np.sin(k * design.x[..., 0]) for k in range(1, 6)], axis=-1)

    fast = seconds(lambda: weighted_least_squares(design.phi, design.w, y))
    peer = seconds(lambda: batched_qr(design.phi, design.w, y))
    print(f"least squares with eigenvalues, 500 designs: {fast * 1e3:.1f} ms, over batched QR {fast / peer:.1f}")


if __name__ == "__main__":
    main()
