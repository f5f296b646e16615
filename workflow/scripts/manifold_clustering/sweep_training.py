"""Accuracy over temperature, invariance and Frobenius weight of stage 2, and what a criterion without classes picks."""

from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from lib.clustering.coding_rate import coding_rate, compressed_rate, one_hot
from lib.clustering.data import digits_problem
from lib.clustering.fit import Membership, Recipe
from lib.clustering.pipeline import Variant, label_run, mean_scores, torch_source, train_variant
from lib.progress import progress


def sweep_training(
    starts, *, etas: list[float], invariances: list[float], frobenius: list[float], member: dict, label_eta: float,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return accuracy and rate reduction `(eta, invariance, frobenius)` of seed 0.

    Args:
        starts: after stage 1.
        etas: temperatures of training.
        invariances: lambda of stage 2.
        frobenius: gamma.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    problem = digits_problem(starts.attrs["dim"]).rows(starts.row.values)
    start = starts.weight.sel(seed=0).values
    shape = (len(etas), len(invariances), len(frobenius))
    accuracy, reduction = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, j, m in progress(list(np.ndindex(shape)), "settings"):
        variant = Variant(Membership(eta=etas[i], frobenius=frobenius[m]))
        recipe = replace(Recipe(**member), invariance=invariances[j])
        source = torch_source(root_seed, "manifold_clustering", "member", 0)
        model = train_variant(problem, start, variant, recipe, source, label_eta)[0]
        z, _, labels = label_run(model, problem, variant, label_eta)
        accuracy[i, j, m] = mean_scores(problem.classes, labels)[0]
        z = torch.from_numpy(z)
        hard = [compressed_rate(z, one_hot(torch.from_numpy(one).long()), recipe.eps2) for one in labels]
        reduction[i, j, m] = float(coding_rate(z, recipe.eps2)) - float(np.mean([float(one) for one in hard]))
    dims = ("eta", "invariance", "frobenius")
    return xr.Dataset(
        {
            "accuracy": (dims, accuracy, {"long_name": "accuracy"}),
            "reduction": (dims, reduction, {"long_name": "rate reduction of the clusters", "units": "nat"}),
        },
        coords={"eta": etas, "invariance": invariances, "frobenius": frobenius},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(sweep_training, snakemake)
