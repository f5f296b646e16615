"""Run GAMP-RIE on teachers of one size: a list of points, several teachers each.

Labels come from the reduced linear model y = tr(Phi S) + sqrt(noise) xi, as in the authors' experiments. Theory is
looked up at the realised ratios m / d and n / d^2, not at the nominal ones.
"""

import numpy as np
import xarray as xr

from lib.amp.matrix import gamp
from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.linalg.random_matrix import mmse
from lib.teacher_student.quadratic import Goe, RankOne, frobenius_error, sample_teacher


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
    """Return the error of every iteration, `error (teacher, alpha, iteration)`, and the Bayes error at each alpha.

    Args:
        size: dimension d.
        kappa: hidden units over d.
        alphas: samples over d^2.
        noise: variance of the reduced model's noise.
        teachers: number of teachers, each with data of its own.
        sensing: `rank1` (Gaussian inputs) or `goe` (Gaussian matrices).
        onsager: False runs the ablation.
        iterations: at most this many.
        damping: weight of the old messages.
        root_seed: teachers and data depend on it, the size, the point and the teacher, not on the variant, so that
            variants can be compared on the same data.
    """
    if sensing not in ("rank1", "goe"):
        raise ValueError(f"sensing: got {sensing!r}, expected rank1 or goe")
    m = int(kappa * size)
    error = np.full((teachers, len(alphas), iterations + 1), np.nan)
    counts = np.array([int(alpha * size**2) for alpha in alphas])
    points = [(teacher, index) for index in reversed(range(len(alphas))) for teacher in range(teachers)]
    for teacher, index in progress(points, f"GAMP-RIE at d = {size}"):
        rng = generator(root_seed, "quadratic_network", "amp", size, kappa, alphas[index], noise, teacher)
        s = sample_teacher(size, m, rng)
        n = int(counts[index])
        operator = RankOne(rng.standard_normal((n, size))) if sensing == "rank1" else Goe(n, size, rng)
        y = operator.forward(s) + np.sqrt(noise) * rng.standard_normal(n)
        run = gamp(
            operator, y, m / size, noise, error=lambda e, s=s: float(frobenius_error(e, s, m / size)),
            iterations=iterations, damping=damping, onsager=onsager,
        )  # fmt: skip
        error[teacher, index, : len(run.errors)] = run.errors
        error[teacher, index, len(run.errors) :] = run.errors[-1]  # the estimate rests from here on
    return xr.Dataset(
        {
            "error": (("teacher", "alpha", "iteration"), error, {"long_name": "error kappa |S_hat - S|_F^2 / d"}),
            "bayes_error": ("alpha", mmse(counts / size**2, m / size, noise)[0]),
            "samples": ("alpha", counts),
        },
        coords={"alpha": np.array(alphas), "teacher": np.arange(teachers), "iteration": np.arange(iterations + 1)},
        attrs={"d": size, "kappa": m / size, "noise": noise},
    )


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(simulate_amp, snakemake)
