"""Exact values and benchmarks of the upper-triangular instance, and a control that is told who leaves last."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.matching.classes import (
    classes_of,
    nested_classes,
    nested_matching,
    nested_value,
    stochastic_configuration_lp,
    vertices_of,
)
from lib.matching.instances import arrivals_of, upper_triangular
from lib.matching.policies import simulate, thresholds_and_ranks
from lib.progress import progress


def evaluate_triangular(*, sizes: list[int], control: list[int], eps: float, replicates: int, root_seed: int):
    """Return `value`, `matching` and `configuration (size)` in the limit, and of the control `successes` and benchmark.

    The control takes the free member that stays in the neighbourhoods longest, against the program at its own eps.

    Args:
        sizes: numbers n of offline vertices.
        control: sizes at which the control is simulated.
        eps: mass of one online vertex of the control.
        replicates: runs of the control.
        root_seed: root of the random streams.
    """
    value, matching, configuration = [], [], []
    for n in progress(sizes, "exact values"):
        neighbours, masses = np.arange(n, 0, -1), np.ones(n)
        value.append(nested_value(neighbours, masses))
        matching.append(nested_matching(neighbours, masses))
        configuration.append(stochastic_configuration_lp(nested_classes(neighbours, masses)).upper)
    successes, limits = [], []
    for n in control:
        probabilities, masses = upper_triangular(n)
        theta, _ = thresholds_and_ranks(replicates, n, generator(root_seed, "stochastic_matching", "triangular", n))
        priority = np.broadcast_to(np.arange(n, dtype=float), theta.shape)
        arrivals = arrivals_of(vertices_of(masses, eps))
        successes.append(simulate(eps * probabilities, arrivals, "first_fit", theta, priority))
        limits.append(stochastic_configuration_lp(classes_of(probabilities, masses, eps)).upper)
    return xr.Dataset(
        {
            "value": ("size", value, {"long_name": "expected successes"}),
            "matching": ("size", matching, {"long_name": "matching program"}),
            "configuration": ("size", configuration, {"long_name": "stochastic configuration program"}),
            "control_successes": (("control", "replicate"), np.array(successes, dtype=np.int32)),
            "control_configuration": ("control", limits),
        },
        coords={"size": sizes, "control": control},
        attrs={"eps": eps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(evaluate_triangular, snakemake)
