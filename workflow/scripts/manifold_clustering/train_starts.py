"""Stage 1 of every seed: features without labels from two views of each image."""

from functools import partial

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.clustering.data import digits_problem
from lib.clustering.fit import Recipe, embed
from lib.clustering.pipeline import start_vector, torch_source, train_start
from lib.progress import progress
from lib.training.state import as_results, results_so_far


def train_starts(
    *, seeds: list[int], images: int, dim: int, features: dict, root_seed: int, checkpoint=None
) -> xr.Dataset:
    """Return weights `(seed, parameter)`, features `(seed, sample, axis)` and the chosen images.

    Args:
        seeds: numbers of the runs.
        images: digits, a random subset where fewer than all.
        dim: d of the features.
        features: recipe of stage 1.
        root_seed: root of the random streams.
        checkpoint: finished seeds are kept there.
    """
    torch.set_num_threads(1)
    problem = digits_problem(dim)
    rng = generator(root_seed, "manifold_clustering", "images", images)
    rows = np.sort(rng.permutation(len(problem.x))[:images])
    problem = problem.rows(rows)
    results = results_so_far(checkpoint)
    for seed in progress(seeds, "seeds"):
        if f"weight_{seed}" in results:
            continue
        model, trace = train_start(
            problem, Recipe(**features), torch_source(root_seed, "manifold_clustering", "start", seed)
        )
        results |= {
            f"weight_{seed}": start_vector(model),
            f"feature_{seed}": embed(model, problem.x)[0].numpy(),
            f"loss_{seed}": np.array(trace.loss),
        }
        if checkpoint:
            checkpoint.save_if_due(partial(as_results, results))
    weight, feature, loss = (
        np.stack([results[f"{name}_{seed}"] for seed in seeds]) for name in ("weight", "feature", "loss")
    )
    return xr.Dataset(
        {
            "weight": (("seed", "parameter"), weight, {"long_name": "weights and running averages after stage 1"}),
            "feature": (("seed", "sample", "axis"), feature, {"long_name": "features of undistorted images"}),
            "loss": (("seed", "step"), loss, {"long_name": "loss of stage 1", "units": "nat"}),
            "row": ("sample", rows, {"long_name": "row of the image among all digits"}),
            "class": ("sample", problem.classes, {"long_name": "digit"}),
        },
        coords={"seed": seeds},
        attrs={"dim": dim},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_starts, snakemake)
