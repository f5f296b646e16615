"""Fewer and imbalanced samples, everything retrained; and many runs of stage 2 from one start."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.clustering.data import digits_problem
from lib.clustering.fit import Recipe, embed
from lib.clustering.pipeline import (
    KMEANS_SEEDS,
    VARIANTS,
    mean_scores,
    start_vector,
    torch_source,
    train_start,
    train_variant,
)
from lib.clustering.spectral import kmeans_labels, neighbour_affinity, spectral_labels
from lib.progress import progress
from lib.training.state import as_results, results_so_far

CASES = ["all", "few", "imbalanced"]
METHODS = ["MLC", "no_ds", "no_ds_kmeans", "stage 1 + k-means", "spectral kNN on pixels"]


def retrain_subsets(
    starts, members, *, seeds: list[int], few: int, batch: int, features: dict, member: dict, label_eta: float,
    neighbours: list[int], repeats: int, repeat_seed: int, root_seed: int, checkpoint=None,
) -> xr.Dataset:  # fmt: skip
    """Return accuracies `(case, seed, estimator)` and, over repeats of stage 2 from one start, `(repeat, head)`.

    Args:
        starts: after stage 1; the images and one start are used.
        members: after stage 2; the temperature of the softmax that starts from centroids is used.
        seeds: numbers of the runs.
        few: images of the case of few.
        batch: samples of a step in all cases, for the same number of steps as with all images.
        features: recipe of stage 1.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        neighbours: of graphs on pixels; the most accurate counts.
        repeats: runs of stage 2 from one start, with the copied and with a fresh head.
        repeat_seed: whose start.
        root_seed: root of the random streams.
        checkpoint: finished runs are kept there.
    """
    torch.set_num_threads(1)
    whole = digits_problem(starts.attrs["dim"]).rows(starts.row.values)
    results = results_so_far(checkpoint)
    centroids = VARIANTS["no_ds_kmeans"]
    soft = replace(centroids.membership, softness=float(members.attrs["softness"]))
    variants = [VARIANTS["full"], VARIANTS["no_ds"], replace(centroids, membership=soft)]
    recipes = []
    for settings in (features, member):
        recipe = Recipe(**{**settings, "batch": batch})
        recipes.append(Recipe(**{**settings, "batch": batch, "steps": recipe.length(len(whole.x))}))

    def note(key, value):
        results[key] = value
        if checkpoint:
            checkpoint.save_if_due(partial(as_results, results))

    for case, seed in progress([(case, seed) for case in CASES for seed in seeds], "retrained runs"):
        if f"{case}_{seed}" in results:
            continue
        rng = generator(root_seed, "manifold_clustering", "subset", seed)
        rows = np.arange(len(whole.x))
        if case == "few":
            rows = np.sort(rng.permutation(rows)[:few])
        elif case == "imbalanced":
            rows = rows[(whole.classes % 2 == 0) | (_order_within(whole.classes, rng) < 0.5)]
        problem = whole.rows(rows)
        source = torch_source(root_seed, "manifold_clustering", "subset", case, seed)
        model = train_start(problem, recipes[0], source)[0]
        z = embed(model, problem.x)[0].numpy()
        scored = [
            train_variant(problem, start_vector(model), variant, recipes[1], source, label_eta)[3][0]
            for variant in variants
        ]
        pixels = problem.x.flatten(1).numpy()
        graphs = [spectral_labels(neighbour_affinity(pixels, m), 10, KMEANS_SEEDS) for m in neighbours]
        scored += [
            mean_scores(problem.classes, kmeans_labels(z, 10, KMEANS_SEEDS))[0],
            max(mean_scores(problem.classes, labels)[0] for labels in graphs),
        ]
        note(f"{case}_{seed}", np.array(scored))
    start = starts.weight.sel(seed=repeat_seed).values
    recipe, heads = Recipe(**member), ["full", "no_copy"]
    for name, repeat in progress([(name, r) for name in heads for r in range(repeats)], "repeats"):
        if f"{name}_{repeat}" not in results:
            source = torch_source(root_seed, "manifold_clustering", "repeat", repeat)
            after = train_variant(whole, start, VARIANTS[name], recipe, source, label_eta)[3]
            note(f"{name}_{repeat}", np.array(after[0]))
    return xr.Dataset(
        {
            "accuracy": (
                ("case", "seed", "estimator"),
                np.stack([[results[f"{case}_{seed}"] for seed in seeds] for case in CASES]),
                {"long_name": "accuracy"},
            ),
            "repeated": (
                ("head", "repeat"),
                np.stack([[results[f"{name}_{r}"] for r in range(repeats)] for name in heads]),
                {"long_name": "accuracy from one start"},
            ),
        },
        coords={"case": CASES, "seed": seeds, "estimator": METHODS, "head": heads},
        attrs={"few": few, "images": len(whole.x)},
    )


def _order_within(classes: np.ndarray, rng) -> np.ndarray:
    """A random place in (0, 1) of each sample among those of its class."""
    place = np.zeros(len(classes))
    for name in np.unique(classes):
        rows = np.flatnonzero(classes == name)
        place[rows] = (rng.permutation(len(rows)) + 0.5) / len(rows)
    return place


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(retrain_subsets, snakemake)
