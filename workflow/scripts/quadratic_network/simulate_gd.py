"""Train quadratic networks from many initialisations on the same data, and average their estimates of S.

GD is one run; AGD averages S over initialisations. GAMP-RIE runs on the same labels, reduced to the linear model
with tr S / d replaced by its estimate, so that both can be compared at the same dimension. Where a run of a point did
not reach the residual of an interpolating network, none of that point is scored: an average over those that did would
be over a selection.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.linalg.random_matrix import mmse
from lib.progress import progress
from lib.teacher_student.averaging import averaged_descent, averages, averaging_counts, infinite_average_error
from lib.teacher_student.learning import Measurements, message_passing_errors, reduced_labels, sample_network
from lib.teacher_student.quadratic import RankOne, frobenius_error, reduced_noise


def simulate_gd(
    *,
    sizes: dict[str, int | None],
    kappa: float,
    alphas: list[float],
    neuron_deviation: float,
    decays: list[float],
    teachers: int,
    initialisations: int,
    learning_rate: float,
    steps: int,
    stop_at: float,
    scored_below: float | None,
    amp_iterations: int,
    teacher: int,
    root_seed: int,
    device: str,
) -> xr.Dataset:
    """Return errors of single runs and of their averages, `(dimension, alpha, decay, ...)`, one teacher of each size.

    Args:
        sizes: dimensions d by name, None where the scale has none.
        kappa: hidden units over d, of teacher and students.
        alphas: samples over d^2.
        neuron_deviation: standard deviation of the noise inside each hidden unit of the teacher.
        decays: weight decays.
        teachers: number of teachers of the sweep; this job is one of them.
        initialisations: number B of runs on the same data.
        learning_rate, steps, stop_at: see `batched_quadratic_gd`.
        scored_below: mean squared residual that all runs of a point must reach to be scored; None scores all.
        amp_iterations: of GAMP-RIE on the same labels.
        teacher: which teacher.
        root_seed: root of the random streams.
        device: torch device of the training, in single precision.
    """
    if teacher >= teachers:
        raise ValueError(f"teacher: got {teacher}, expected less than {teachers}")
    training = {"learning_rate": learning_rate, "steps": steps, "stop_at": stop_at, "device": device}
    sizes = {name: size for name, size in sizes.items() if size}
    options = {"alphas": alphas, "decays": decays, "initialisations": initialisations, "scored_below": scored_below}
    runs = [
        _train_at(
            size,
            int(kappa * size),
            neuron_deviation,
            partial(generator, root_seed, "quadratic_network", "gd", size, kappa),
            teacher,
            training=training,
            amp_iterations=amp_iterations,
            **options,
        )
        for size in sizes.values()
    ]
    return xr.concat(runs, "dimension", data_vars="all", coords=["d"]).assign_coords(dimension=list(sizes))


def _train_at(
    size: int,
    m: int,
    neuron_deviation: float,
    stream: Callable[..., np.random.Generator],
    teacher: int,
    *,
    alphas: list[float],
    decays: list[float],
    initialisations: int,
    scored_below: float | None,
    training: dict,
    amp_iterations: int,
) -> xr.Dataset:
    """The runs of one dimension; `stream(alpha, neuron_deviation, teacher)` is the generator of a point."""
    ratio, reduced = m / size, reduced_noise(neuron_deviation**2, m / size)
    shape = (len(alphas), len(decays), initialisations)
    counts = np.array([int(alpha * size**2) for alpha in alphas])
    averaged_over = averaging_counts(initialisations)
    single, loss, step_count = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=int)
    average = np.zeros((*shape[:2], len(averaged_over)))
    rate, amp_error = np.zeros(len(alphas)), np.zeros(len(alphas))
    for a in progress(list(reversed(range(len(alphas)))), f"points at d = {size}"):
        rng = stream(alphas[a], neuron_deviation, teacher)
        s, x, y = sample_network(size, m, int(counts[a]), rng, neuron_deviation)
        start = rng.standard_normal((initialisations, m, size)).astype(np.float32)
        # all decays from the same starts, trained together
        together = np.tile(start, (len(decays), 1, 1))
        runs = averaged_descent(x, y, together, weight_decay=np.repeat(decays, initialisations), **training)
        rate[a] = runs.descent.learning_rate
        for k in range(len(decays)):
            own = slice(k * initialisations, (k + 1) * initialisations)
            estimates = runs.estimates[own]
            single[a, k] = frobenius_error(estimates, s, ratio)
            average[a, k] = frobenius_error(averages(estimates, averaged_over), s, ratio)
            loss[a, k], step_count[a, k] = runs.descent.losses[own], runs.descent.steps[own]
            if scored_below is not None and np.max(loss[a, k]) >= scored_below:
                single[a, k] = average[a, k] = np.nan
        measurements = Measurements(s, RankOne(x), reduced_labels(y, size))
        errors, converged = message_passing_errors(measurements, ratio, reduced, iterations=amp_iterations)
        amp_error[a] = errors[-1] if converged else np.nan
    limit = infinite_average_error(single.mean(-1), average[..., -1], initialisations)
    return xr.Dataset(
        {
            "error_single": (
                ("alpha", "decay", "initialisation"),
                single,
                {"long_name": "error of each run, NaN at points where one did not converge"},
            ),
            "error_average": (("alpha", "decay", "averaged"), average, {"long_name": "error of averages of S"}),
            "error_limit": (("alpha", "decay"), limit, {"long_name": "average over infinitely many runs, de-biased"}),
            "loss": (("alpha", "decay", "initialisation"), loss, {"long_name": "final mean squared residual"}),
            "steps": (("alpha", "decay", "initialisation"), step_count),
            "learning_rate": ("alpha", rate, {"long_name": "learning rate at the end"}),
            "amp_error": (
                "alpha",
                amp_error,
                {"long_name": "error of GAMP-RIE on the same labels, NaN without convergence"},
            ),
            "bayes_error": ("alpha", mmse(counts / size**2, ratio, reduced)[0]),
            "samples": ("alpha", counts),
        },
        coords={"alpha": np.array(alphas), "decay": np.array(decays), "averaged": averaged_over, "d": size},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(simulate_gd, snakemake)
