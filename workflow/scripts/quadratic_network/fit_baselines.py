"""Linear estimators of the quadratic network: identity, minimum norm, ridge, one spectral step, linear regression."""

import numpy as np
import xarray as xr

from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.linalg.random_matrix import mmse
from lib.teacher_student import quadratic as q

METHODS = ("identity", "min_norm", "ridge", "spectral", "linear_regression", "constant")


def fit_baselines(
    *,
    size: int,
    kappa: float,
    alphas: list[float],
    teachers: int,
    penalties: list[float],
    fresh: int,
    root_seed: int,
) -> xr.Dataset:
    """Return `error (teacher, alpha, estimator)`.

    Identity, minimum norm, ridge and spectral are scored in the Frobenius form; linear regression of the raw labels on
    (1, x), and the constant alone, by the test error on fresh inputs, which is the same thing up to the trace.

    Args:
        size: dimension d.
        kappa: hidden units over d.
        alphas: samples over d^2.
        teachers: number of teachers, each with data of its own.
        penalties: lowest, highest and number of the logarithmic grid of ridge penalties.
        fresh: number of fresh inputs.
        root_seed: root of the random streams.
    """
    m = int(kappa * size)
    ratio = m / size
    counts = np.array([round(alpha * size**2) for alpha in alphas])
    grid = np.logspace(np.log10(penalties[0]), np.log10(penalties[1]), int(penalties[2]))
    error = np.zeros((teachers, len(alphas), len(METHODS)))
    chosen = np.zeros((teachers, len(alphas)))
    for teacher in progress(range(teachers), "teachers"):
        for a, alpha in enumerate(alphas):
            rng = generator(root_seed, "quadratic_network", "baselines", size, kappa, alpha, teacher)
            n = int(counts[a])
            s = q.sample_teacher(size, m, rng)
            x, test = rng.standard_normal((n, size)), rng.standard_normal((fresh, size))
            y = q.forward(x, s)
            raw = np.einsum("ij,ij->i", x @ s, x) / size
            ridge, chosen[teacher, a] = q.ridge(x, y, grid, rng)
            estimates = [np.eye(size), q.minimum_norm(x, y), ridge, q.spectral(x, y, ratio, 0.0)]
            error[teacher, a, :4] = [q.frobenius_error(e, s, ratio) for e in estimates]
            for k, predicted in enumerate((q.linear_regression(x, raw, test), np.full(fresh, raw.mean()))):
                error[teacher, a, 4 + k] = q.measured_test_error(predicted, test, s, m)
    return xr.Dataset(
        {
            "error": (("teacher", "alpha", "estimator"), error, {"long_name": "error, 1 for S_hat = I"}),
            "penalty": (("teacher", "alpha"), chosen, {"long_name": "ridge penalty chosen on held-out labels"}),
            "bayes_error": ("alpha", mmse(counts / size**2, ratio)[0]),
            "samples": ("alpha", counts),
        },
        coords={"alpha": np.array(alphas), "teacher": np.arange(teachers), "estimator": list(METHODS)},
        attrs={"d": size, "kappa": ratio},
    )


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(fit_baselines, snakemake)
