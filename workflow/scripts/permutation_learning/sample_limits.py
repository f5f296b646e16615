"""Ensembles drawn from the Gaussian limit, all inputs jointly: how often are they right everywhere?"""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.ntk.bits import log_failure_bound, models_required
from lib.ntk.samples import exact_ensembles
from lib.progress import progress


def sample_limits(
    *, cases: list[dict], failures: list[float], fractions: list[float], threshold_models: int, root_seed: int
) -> xr.Dataset:
    """Return how many ensembles are right, at the sizes that the union bound asks for and along a curve.

    Args:
        cases: kernel, size and number of ensembles.
        failures: probabilities of failure whose ensemble sizes are tried.
        fractions: points of the curve, in units of the size for the first failure.
        threshold_models: ensembles drawn with the midpoint threshold at the size which that asks for.
        root_seed: root of the random streams.
    """
    models = np.zeros((len(cases), len(failures) + len(fractions)), np.int64)
    right = np.zeros(models.shape, np.int64)
    bound = np.zeros(models.shape)
    midpoint, midpoint_models = np.zeros(len(cases), np.int64), np.zeros(len(cases), np.int64)
    for a, case in enumerate(progress(cases, "cases")):
        kernel, size = case["kernel"], case["size"]
        rng = generator(root_seed, "permutation_learning", "sample", kernel, size)
        required = [models_required(kernel, size, "all", failure) for failure in failures]
        models[a] = [*required, *(max(1, round(required[0] * fraction)) for fraction in fractions)]
        right[a] = exact_ensembles(kernel, size, models[a], case["ensembles"], rng)
        bound[a] = np.exp(log_failure_bound(kernel, size, models[a], "all"))
        midpoint_models[a] = models_required(kernel, size, "all", failures[0], threshold="midpoint")
        midpoint[a] = exact_ensembles(
            kernel, size, midpoint_models[a : a + 1], threshold_models, rng, threshold="midpoint"
        )[0]
    names = [f"{case['kernel']}, k = {case['size']}" for case in cases]
    return xr.Dataset(
        {
            "models": (("case", "point"), models, {"long_name": "networks in an ensemble"}),
            "right": (("case", "point"), right, {"long_name": "ensembles that are right on all inputs"}),
            "bound": (("case", "point"), bound, {"long_name": "union bound on failure"}),
            "midpoint_models": ("case", midpoint_models, {"long_name": "networks, midpoint threshold"}),
            "midpoint": ("case", midpoint, {"long_name": "ensembles that are right, midpoint threshold"}),
        },
        coords={
            "case": names,
            "kernel": ("case", [case["kernel"] for case in cases]),
            "size": ("case", [case["size"] for case in cases]),
            "ensembles": ("case", [case["ensembles"] for case in cases]),
        },
        attrs={"failures": failures, "threshold_models": threshold_models},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(sample_limits, snakemake)
