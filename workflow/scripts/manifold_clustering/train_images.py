"""Natural images at the paper's size: both stages of a ResNet-18 on a GPU, labels from a sparse projection."""

import numpy as np
import torch
import xarray as xr

from lib.clustering.fit import Recipe, embed, learn_features, learn_membership
from lib.clustering.images import load_images
from lib.clustering.membership import project_blocks
from lib.clustering.networks import copy_head, resnet18
from lib.clustering.pipeline import KMEANS_SEEDS, VARIANTS, mean_scores, torch_source
from lib.clustering.spectral import kmeans_labels, spectral_labels
from lib.clustering.views import photo_view
from lib.training.state import Part, results_so_far

METHODS = ["MLC", "stage 1 + k-means"]


def train_images(
    images, dataset, seed, *, dim: int, features: dict, member: dict, label_eta: float, top: int, root_seed: int,
    device: str, checkpoint=None,
) -> xr.Dataset:  # fmt: skip
    """Return scores `(estimator, score)` of one seed on the training images.

    Args:
        images: folder of the data.
        dataset: name of the data set.
        seed: number of the run.
        dim: d of the heads.
        features: recipe of stage 1.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        top: entries of each row of the membership that are kept.
        root_seed: root of the random streams.
        device: where to train.
        checkpoint: state of the training.
    """
    x, classes = load_images(dataset, images)
    k = len(np.unique(classes))
    x = torch.from_numpy(x).to(device)
    seeds = torch_source(root_seed, "manifold_clustering", "images", dataset, int(seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.initial_seed())
        model = resnet18(3, dim).to(device)
    results = results_so_far(checkpoint)
    for part, recipe in (("features", Recipe(**features)), ("member", Recipe(**member))):
        source = torch.Generator(device=device).manual_seed(seeds.initial_seed() + (part == "member"))
        own = Part(checkpoint, part, results) if checkpoint else None
        if part == "features":
            if "z" in results:
                continue  # stage 2 has begun, and its state holds the weights
            learn_features(model, x, photo_view, recipe, source, averaged="plain", checkpoint=own)
            results["z"] = embed(model, x)[0].cpu().numpy()
            copy_head(model)
        else:
            variant = VARIANTS["mean_gamma"]
            learn_membership(model, x, photo_view, recipe, variant.membership, source, checkpoint=own)
    c = embed(model, x)[1]
    labels = spectral_labels(project_blocks(c, label_eta, top=top)[0], k, KMEANS_SEEDS)
    scored = [mean_scores(classes, labels), mean_scores(classes, kmeans_labels(results["z"], k, KMEANS_SEEDS))]
    return xr.Dataset(
        {"score": (("estimator", "score_name"), np.array(scored), {"long_name": "agreement with the classes"})},
        coords={"estimator": METHODS, "score_name": ["accuracy", "nmi", "ari"]},
        attrs={"dataset": dataset, "run": int(seed)},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_images, snakemake)
