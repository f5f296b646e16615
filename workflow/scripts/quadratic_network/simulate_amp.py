"""Run GAMP-RIE on teachers of one size: a list of points, several teachers each.

Labels come from the reduced linear model y = tr(Phi S) + sqrt(noise) xi, as in the authors' experiments. The Bayes
error is that at the realised ratios m / d and n / d^2, not at the nominal ones.
"""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.linalg.random_matrix import mmse
from lib.progress import progress
from lib.teacher_student.learning import message_passing_errors, sample_measurements


def simulate_amp(
    *,
    size: int,
    kappa: float,
    alphas: list[float],
    noise: float,
    teachers: int,
    sensing: str,
    onsager: bool,
    iterations: int,
    damping: float,
    root_seed: int,
) -> xr.Dataset:
    """Return the error of every iteration, `error (teacher, alpha, iteration)`, NaN where a run did not converge.

    Args:
        size: dimension d.
        kappa: hidden units over d.
        alphas: samples over d^2.
        noise: variance of the reduced model's noise.
        teachers: number of teachers, each with data of its own.
        sensing: `rank1` (Gaussian inputs) or `goe` (Gaussian matrices).
        onsager: False runs the ablation.
        iterations: number of iterations; the last error is repeated after convergence.
        damping: weight of the old messages.
        root_seed: teachers and data depend on it, the size, the point and the teacher, not on the variant, so that
            variants can be compared on the same data.
    """
    m = int(kappa * size)
    error = np.zeros((teachers, len(alphas), iterations + 1))
    converged = np.zeros((teachers, len(alphas)), bool)
    counts = np.array([int(alpha * size**2) for alpha in alphas])
    points = [(teacher, index) for index in reversed(range(len(alphas))) for teacher in range(teachers)]
    for teacher, index in progress(points, f"GAMP-RIE at d = {size}"):
        rng = generator(root_seed, "quadratic_network", "amp", size, kappa, alphas[index], noise, teacher)
        measurements = sample_measurements(size, m, int(counts[index]), rng, noise, sensing)
        error[teacher, index], converged[teacher, index] = message_passing_errors(
            measurements, m / size, noise, iterations=iterations, damping=damping, onsager=onsager
        )
    if onsager:  # a run that did not converge is no result; without the correction none is meant to
        error[~converged] = np.nan
    return xr.Dataset(
        {
            "error": (("teacher", "alpha", "iteration"), error, {"long_name": "error kappa |S_hat - S|_F^2 / d"}),
            "converged": (("teacher", "alpha"), converged, {"long_name": "whether the run converged"}),
            "bayes_error": ("alpha", mmse(counts / size**2, m / size, noise)[0]),
            "samples": ("alpha", counts),
        },
        coords={"alpha": np.array(alphas), "teacher": np.arange(teachers), "iteration": np.arange(iterations + 1)},
        attrs={"d": size, "kappa": m / size, "noise": noise},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_amp, snakemake)
