"""Learning coefficients of two-block and dense students of the same teachers, by Langevin chains of two lengths."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.degeneracy.learning_coefficient import learning_coefficient, sgld
from lib.degeneracy.ranks import numerical_rank
from lib.degeneracy.students import Shape, behavioural_loss, forward, output_jacobian, train_students, two_block_teacher


def compare_blocks(
    *, shape: list[int], teachers: int, n: int, bound: float, training_steps: int, rate: float, later_rate: float,
    later: int, strength: float, step_scale: float, localisation: float, chains: int, lengths: list[int], burn: float,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return estimates by teacher, student and length, with diagnostics, ranks and losses.

    Args:
        shape: inputs, hidden units and outputs of a student.
        teachers: each with data of its own and two students.
        n: samples.
        bound: of the training loss, at which a student stops.
        training_steps, rate, later_rate, later: of Adam; the rate changes after `later` steps.
        strength: n beta.
        step_scale: eta n beta times the largest eigenvalue of the Hessian.
        localisation: gamma.
        chains: of each student.
        lengths: steps after which estimates are made, the last that of the chains.
        burn: first share of the steps, which does not count.
        root_seed: root of the random streams.
    """
    shape = Shape(*shape)
    rng = generator(root_seed, "loss_degeneracy", "teachers")
    data = [two_block_teacher(shape, n, rng) for _ in range(teachers)]
    inputs, targets = (torch.from_numpy(np.stack(part)).repeat(2, 1, 1) for part in zip(*data))
    masks = torch.stack([shape.mask(), torch.ones(shape.parameters).double()]).repeat_interleave(teachers, dim=0)
    source = torch.Generator().manual_seed(int(rng.integers(2**62)))
    trained = train_students(
        shape, inputs, targets, masks, source,
        bound=bound, steps=training_steps, rate=rate, later_rate=later_rate, later=later,
    )  # fmt: skip
    spectra = [output_jacobian(shape, theta, own) for theta, own in zip(trained.theta, inputs)]
    ranks = [numerical_rank(matrix) for matrix in spectra]
    sharpest = np.array([2 / n * np.linalg.norm(matrix, 2) ** 2 for matrix in spectra])
    single = inputs.float(), forward(shape, trained.theta, inputs).float()
    losses = sgld(
        behavioural_loss(shape, *single, chains), trained.theta.float(), strength=strength,
        step_size=torch.from_numpy(step_scale / (strength * sharpest)).float(), steps=max(lengths), chains=chains,
        generator=source, localisation=localisation, label="chain steps",
    )  # fmt: skip
    wanted = (2, teachers, len(lengths))
    value, error, r_hat, drift = (np.full(wanted, np.nan) for _ in range(4))
    mixed = np.zeros(wanted, dtype=bool)
    for place in range(2 * teachers):
        at = divmod(place, teachers)
        for k, length in enumerate(lengths):
            one = learning_coefficient(losses[:length, place], strength=strength, burn=int(burn * length), refuse=False)
            value[at][k], error[at][k] = one[:2]
            r_hat[at][k], drift[at][k], mixed[at][k] = *one.diagnostics[:2], one.mixed
    dims = ("student", "teacher", "length")

    def table(values, words):
        return dims[:2], np.reshape(values, (2, teachers)), {"long_name": words}

    return xr.Dataset(
        {
            "value": (dims, value, {"long_name": "estimated learning coefficient"}),
            "error": (dims, error, {"long_name": "standard error over chains"}),
            "r_hat": (dims, r_hat, {"long_name": "split R-hat of the loss"}),
            "drift": (dims, drift, {"long_name": "change from the first to the second half"}),
            "mixed": (dims, mixed, {"long_name": "whether the chains have mixed"}),
            "loss": table(trained.loss, "training loss"),
            "steps": table(trained.steps, "steps of training, -1 where the bound was not reached"),
            "rank": table([one.rank for one in ranks], "rank of the Hessian"),
            "gap": table([one.gap for one in ranks], "gap of that rank"),
            "sharpest": table(sharpest, "largest eigenvalue of the Hessian"),
        },
        coords={"student": ["block", "dense"], "teacher": np.arange(teachers), "length": lengths},
        attrs={"parameters": shape.parameters, "strength": strength, "bound": bound, "localisation": localisation},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(compare_blocks, snakemake)
