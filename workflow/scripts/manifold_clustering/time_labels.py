"""Time from data to labels: both stages, projection and spectral clustering, against elastic-net clustering."""

import time

import numpy as np
import torch
import xarray as xr
from threadpoolctl import threadpool_limits

from lib.atlas.job.seeds import generator
from lib.clustering.data import toy_problem
from lib.clustering.elastic_net import expression_affinity, self_expression
from lib.clustering.fit import Recipe, learn_membership
from lib.clustering.pipeline import VARIANTS, label_run, prepare, start_vector, torch_source, train_start
from lib.clustering.spectral import spectral_labels
from lib.progress import progress

METHODS = ["MLC", "EnSC"]


def time_labels(
    *, sizes: list[int], repeats: int, width: int, dim: int, features: dict, member: dict, label_eta: float, fit: float,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return wall times `(estimator, n, repeat)` on circles, one thread, methods in turn.

    Args:
        sizes: numbers n of points.
        repeats: of each.
        width: dimensions of the lift.
        dim: of the heads.
        features: recipe of stage 1.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        fit: g of elastic-net clustering.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    times = np.full((len(METHODS), len(sizes), repeats), np.nan)
    self_expression(np.eye(3) + 1, fit)  # compiled before the clock starts
    for j, r in progress(list(np.ndindex(times.shape[1:])), "runs"):
        key = (root_seed, "manifold_clustering", "time", sizes[j], r)
        problem, _ = toy_problem("circles", sizes[j], width, dim, generator(*key))
        source, variant = torch_source(*key, "training"), VARIANTS["full"]

        def ours(problem=problem, source=source, variant=variant):
            start = start_vector(train_start(problem, Recipe(**features), source)[0])
            model = prepare(problem, start, variant, source)
            learn_membership(model, problem.x, problem.view, Recipe(**member), variant.membership, source)
            label_run(model, problem, variant, label_eta)

        def peer(problem=problem):
            spectral_labels(expression_affinity(self_expression(problem.x.numpy(), fit)), 2)

        if r == j == 0:
            ours()  # what is set up by the first training of a process does not count
        with threadpool_limits(limits=1):
            for m, method in enumerate((ours, peer)):
                begin = time.perf_counter()
                method()
                times[m, j, r] = time.perf_counter() - begin
    return xr.Dataset(
        {"time": (("estimator", "n", "repeat"), times, {"units": "s", "long_name": "wall time to labels"})},
        coords={"estimator": METHODS, "n": sizes},
        attrs={"timing": True},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(time_labels, snakemake)
