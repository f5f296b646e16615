"""Linear estimators of the quadratic network: identity, minimum norm, ridge, one spectral step, linear regression."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.linalg.random_matrix import mmse
from lib.progress import progress
from lib.teacher_student.learning import BASELINES, baseline_errors


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
    """Return `error (teacher, alpha, estimator)` on noiseless teachers, and the penalties of the ridge.

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
    counts = np.array([round(alpha * size**2) for alpha in alphas])
    grid = np.logspace(np.log10(penalties[0]), np.log10(penalties[1]), int(penalties[2]))
    error = np.zeros((teachers, len(alphas), len(BASELINES)))
    penalty = np.zeros((teachers, len(alphas)))
    for teacher in progress(range(teachers), "teachers"):
        for a, alpha in enumerate(alphas):
            rng = generator(root_seed, "quadratic_network", "baselines", size, kappa, alpha, teacher)
            error[teacher, a], penalty[teacher, a] = baseline_errors(size, m, int(counts[a]), grid, fresh, rng)
    return xr.Dataset(
        {
            "error": (("teacher", "alpha", "estimator"), error, {"long_name": "error, 1 for S_hat = I"}),
            "penalty": (("teacher", "alpha"), penalty, {"long_name": "ridge penalty chosen on held-out labels"}),
            "bayes_error": ("alpha", mmse(counts / size**2, m / size)[0]),
            "samples": ("alpha", counts),
        },
        coords={"alpha": np.array(alphas), "teacher": np.arange(teachers), "estimator": list(BASELINES)},
        attrs={"d": size, "kappa": m / size},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(fit_baselines, snakemake)
