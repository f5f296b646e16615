"""Both stages on lifted circles and spirals, beside elastic-net clustering, k-means and graphs of neighbours."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.clustering.data import toy_problem
from lib.clustering.elastic_net import expression_affinity, self_expression
from lib.clustering.fit import Recipe
from lib.clustering.pipeline import (
    KMEANS_SEEDS,
    VARIANTS,
    label_run,
    mean_scores,
    start_vector,
    torch_source,
    train_start,
    train_variant,
)
from lib.clustering.spectral import kmeans_labels, neighbour_affinity, spectral_labels
from lib.progress import progress

SHAPES = ["circles", "spirals"]
METHODS = ["MLC", "EnSC", "k-means", "spectral kNN"]


def train_toys(
    *, seeds: list[int], samples: int, width: int, dim: int, features: dict, member: dict, label_eta: float,
    fits: list[float], neighbours: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return accuracies `(shape, seed, estimator)` and, of the first seed, points, labels and features.

    Args:
        seeds: numbers of the runs; data and networks are drawn anew for each.
        samples: points.
        width: dimensions of the lift.
        dim: of the heads.
        features: recipe of stage 1.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        fits: g of elastic-net clustering; the most accurate counts.
        neighbours: of the graph.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    accuracy = np.full((len(SHAPES), len(seeds), len(METHODS)), np.nan)
    shown = {"points": [], "label": [], "feature": [], "class": []}
    for a, b in progress(list(np.ndindex(accuracy.shape[:2])), "runs"):
        key = (root_seed, "manifold_clustering", "toy", SHAPES[a], seeds[b])
        problem, points = toy_problem(SHAPES[a], samples, width, dim, generator(*key))
        source = torch_source(*key, "training")
        start = start_vector(train_start(problem, Recipe(**features), source)[0])
        variant = VARIANTS["full"]
        model, _, _, after = train_variant(problem, start, variant, Recipe(**member), source, label_eta)
        x = problem.x.numpy().astype(float)
        graphs = [expression_affinity(self_expression(x, g)) for g in fits]
        accuracy[a, b] = [
            after[0],
            max(mean_scores(problem.classes, spectral_labels(graph, 2, KMEANS_SEEDS))[0] for graph in graphs),
            mean_scores(problem.classes, kmeans_labels(x, 2, KMEANS_SEEDS))[0],
            mean_scores(problem.classes, spectral_labels(neighbour_affinity(x, neighbours), 2, KMEANS_SEEDS))[0],
        ]
        if b == 0:
            z, _, labels = label_run(model, problem, variant, label_eta)
            centred = z - z.mean(0)
            for name, value in zip(
                shown, (points, labels[0], centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T,
                        problem.classes), strict=True,
            ):  # fmt: skip
                shown[name].append(value)
    return xr.Dataset(
        {
            "accuracy": (("shape", "seed", "estimator"), accuracy, {"long_name": "accuracy"}),
            "points": (("shape", "sample", "coordinate"), np.stack(shown["points"]), {"long_name": "before the lift"}),
            "label": (("shape", "sample"), np.stack(shown["label"]), {"long_name": "cluster"}),
            "feature": (
                ("shape", "sample", "coordinate"), np.stack(shown["feature"]), {"long_name": "principal components"},
            ),
            "class": (("shape", "sample"), np.stack(shown["class"]), {"long_name": "curve"}),
        },
        coords={"shape": SHAPES, "seed": seeds, "estimator": METHODS},
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_toys, snakemake)
