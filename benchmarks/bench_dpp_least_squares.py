"""Batched samplers beside the chain rule and DPPy (`pip install dppy`), the solver beside batched QR; CPU times."""

import itertools
import time
import timeit

import numpy as np
from scipy import stats

from lib.bench.ratios import cpu_ratio
from lib.regression.weighted import weighted_least_squares
from lib.sampling.bases import Legendre
from lib.sampling.designs import sample_design
from lib.sampling.dpp import sample_by_chain_rule, sample_projection_dpp


def seconds(function, repeat: int = 3) -> float:
    """Best CPU time of a few calls."""
    return min(timeit.repeat(function, timer=time.process_time, number=1, repeat=repeat))


def batched_qr(phi, w, y):
    """Least squares by one QR for each design, without a look at the rank."""
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

    for m, functions in itertools.product((5, 10, 20), (1, 5)):
        design = sample_design("vol", Legendre(m), 4 * m, rng, 500)
        y = np.stack([np.sin(k * design.x[..., 0]) for k in range(1, functions + 1)], axis=-1)
        ratio = cpu_ratio(
            lambda d=design, y=y: weighted_least_squares(d.phi, d.w, y),
            lambda d=design, y=y: batched_qr(d.phi, d.w, y),
            15,
        )
        print(f"least squares, 500 designs of {4 * m} points, {functions} functions: {ratio:.2f} of batched QR")


if __name__ == "__main__":
    main()
