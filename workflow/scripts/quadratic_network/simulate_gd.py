"""Train quadratic networks from many initialisations on the same data, and average what they learnt.

GD is one run; AGD averages S over initialisations. GAMP-RIE is run on the same labels, reduced to the linear model
with tr S / d replaced by its estimate, so that both can be compared at the same dimension.
"""

import numpy as np
import xarray as xr

from lib.amp.matrix import gamp
from lib.atlas.progress import progress
from lib.atlas.seeds import generator
from lib.linalg.random_matrix import mmse
from lib.teacher_student.quadratic import RankOne, frobenius_error, reduced_noise
from lib.training.quadratic import batched_quadratic_gd


def powers(b: int) -> np.ndarray:
    """1, 2, 4, ... up to b, and b itself."""
    return np.array(sorted({2**k for k in range(b.bit_length()) if 2**k <= b} | {b}))


def simulate_gd(
    *,
    size: int,
    kappa: float,
    alphas: list[float],
    neuron_deviation: float,
    decays: list[float],
    teachers: int,
    initialisations: int,
    learning_rate: float,
    steps: int,
    stop_at: float,
    amp_iterations: int,
    teacher: int,
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return errors of single runs and of their averages, `(alpha, decay, ...)`, for one teacher.

    Args:
        size: dimension d.
        kappa: hidden units over d, of teacher and students.
        alphas: samples over d^2.
        neuron_deviation: standard deviation of the noise inside each hidden unit of the teacher.
        decays: weight decays.
        teachers: number of teachers of the sweep; this job is one of them.
        initialisations: number B of runs on the same data.
        learning_rate, steps, stop_at: see `batched_quadratic_gd`.
        amp_iterations: of GAMP-RIE on the same labels.
        teacher: which teacher.
        root_seed: root of the random streams.
        device: torch device of the training.
    """
    if teacher >= teachers:
        raise ValueError(f"teacher: got {teacher}, expected less than {teachers}")
    m, noise = int(kappa * size), neuron_deviation**2
    ratio = m / size
    shape = (len(alphas), len(decays))
    counts = np.array([int(alpha * size**2) for alpha in alphas])
    averaged_over = powers(initialisations)
    single = np.zeros((*shape, initialisations))
    average = np.zeros((*shape, len(averaged_over)))
    loss, taken, rate = np.zeros((*shape, initialisations)), np.zeros(shape, dtype=int), np.zeros(shape)
    reduced = reduced_noise(noise, ratio)
    amp_error = np.zeros(len(alphas))
    for a in progress(list(reversed(range(len(alphas)))), f"points at d = {size}"):
        n = int(counts[a])
        rng = generator(root_seed, "quadratic_network", "gd", size, kappa, alphas[a], neuron_deviation, teacher)
        weights = rng.standard_normal((m, size))
        s = weights.T @ weights / m
        x = rng.standard_normal((n, size))
        z = rng.standard_normal((n, m)) if noise else np.zeros((n, m))
        y = np.mean((x @ weights.T / np.sqrt(size) + neuron_deviation * z) ** 2, axis=1)
        start = rng.standard_normal((initialisations, m, size))
        for k, decay in enumerate(decays):
            done = batched_quadratic_gd(
                x, np.sqrt(m) * y, start, learning_rate=learning_rate, steps=steps, weight_decay=decay,
                stop_at=stop_at, device=device,
            )  # fmt: skip
            learnt = np.einsum("bki,bkj->bij", done.weights, done.weights) / m
            single[a, k] = frobenius_error(learnt, s, ratio)
            mean = np.cumsum(learnt, axis=0)[averaged_over - 1] / averaged_over[:, None, None]
            average[a, k] = frobenius_error(mean, s, ratio)
            loss[a, k], taken[a, k], rate[a, k] = done.losses, done.steps, done.learning_rate
        label = np.sqrt(size) * (y - np.mean(y))  # the estimate of tr S / d is mean(y) minus the noise variance
        run = gamp(
            RankOne(x), label, ratio, reduced,
            error=lambda e, s=s: float(frobenius_error(e, s, ratio)), iterations=amp_iterations,
        )  # fmt: skip
        amp_error[a] = run.errors[-1]
    first, last = single.mean(-1), average[..., -1]
    b = initialisations
    limit = first - (first - last) * b / (b - 1)
    return xr.Dataset(
        {
            "error_single": (("alpha", "decay", "initialisation"), single, {"long_name": "error of each run"}),
            "error_average": (("alpha", "decay", "averaged"), average, {"long_name": "error of averages of S"}),
            "error_limit": (("alpha", "decay"), limit, {"long_name": "average over infinitely many runs, de-biased"}),
            "loss": (("alpha", "decay", "initialisation"), loss, {"long_name": "final mean squared residual"}),
            "steps": (("alpha", "decay"), taken),
            "learning_rate": (("alpha", "decay"), rate),
            "amp_error": ("alpha", amp_error, {"long_name": "error of GAMP-RIE on the same labels"}),
            "bayes_error": ("alpha", mmse(counts / size**2, ratio, reduced)[0]),
            "samples": ("alpha", counts),
        },
        coords={"alpha": np.array(alphas), "decay": np.array(decays), "averaged": averaged_over},
        attrs={"d": size, "kappa": ratio, "noise": reduced},
    )


if "snakemake" in globals():
    from lib.atlas.stage import run

    run(simulate_gd, snakemake)
