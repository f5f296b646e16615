"""Clusters of one's own images, with a score of how stable they are."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score

from lib.clustering.fit import Recipe
from lib.clustering.networks import convolutional, resnet18
from lib.clustering.pipeline import (
    VARIANTS,
    Problem,
    label_run,
    start_vector,
    torch_source,
    train_start,
    train_variant,
)
from lib.clustering.views import photo_view, small_image_view
from lib.progress import progress

SMALL = 16  # pixels a side up to which the small network serves


class Clusters(NamedTuple):
    """Labels (runs, n), features (n, d) of the most typical run, its number, and the agreement of runs (ARI)."""

    labels: np.ndarray
    feature: np.ndarray
    typical: int
    agreement: np.ndarray


def cluster_images(
    images, clusters: int, *, features: Recipe, member: Recipe, seeds=(1, 2, 3), dim: int = 32, label_eta: float = 0.08,
    root_seed: int = 0,
) -> Clusters:  # fmt: skip
    """Cluster images without classes: both stages for every seed, anew.

    Args:
        images: (n, c, h, w) in [0, 1]; up to 16 pixels a side a small network and small distortions serve, above it and
            with three channels a ResNet-18 and those of photographs.
        clusters: k, at least 2.
        features, member: recipes of the two stages.
        seeds: at least two, whose agreement says how stable the clusters are.
        dim: width of the heads.
        label_eta: temperature of the projection behind labels.
        root_seed: root of the random streams.

    Returns:
        The clusters; `agreement[i, j]` is the adjusted Rand index of runs i and j: 1 for equal clusters, about 0 for
        unrelated ones. The typical run agrees best with the others.

    Raises:
        ValueError: another shape, fewer than two seeds, or k outside [2, n - 1].
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images: got shape {images.shape}, expected (n, 1 or 3, h, w)")
    if len(seeds) < 2:
        raise ValueError(f"seeds: got {len(seeds)}, expected at least two")
    if not 2 <= clusters < len(images):
        raise ValueError(f"clusters: got {clusters} of {len(images)} images, expected 2 to {len(images) - 1}")
    channels, side = images.shape[1], max(images.shape[2:])
    small = side <= SMALL
    if small and images.shape[2] != images.shape[3]:
        raise ValueError(f"images: got {images.shape[2:]} pixels, expected as many rows as columns")
    if not small:
        images = np.repeat(images, 3 // channels, axis=1)
    unknown = np.arange(len(images)) % clusters  # the number of classes is all that training takes from this
    problem = Problem(
        torch.from_numpy(images),
        unknown,
        small_image_view if small else photo_view,
        (lambda width: convolutional(channels, side, dim, width)) if small else (lambda width: resnet18(3, dim, width)),
    )
    runs = []
    for seed in progress(seeds, "seeds"):
        source = torch_source(root_seed, "own images", seed)
        start = start_vector(train_start(problem, features, source)[0])
        model = train_variant(problem, start, VARIANTS["full"], member, source, label_eta)[0]
        feature, _, labels = label_run(model, problem, VARIANTS["full"], label_eta)
        runs.append((labels[0], feature))
    agreement = np.eye(len(runs))
    for i, j in combinations(range(len(runs)), 2):
        agreement[i, j] = agreement[j, i] = adjusted_rand_score(runs[i][0], runs[j][0])
    typical = int(agreement.sum(1).argmax())
    return Clusters(np.stack([labels for labels, _ in runs]), runs[typical][1], typical, agreement)


def stability(agreement) -> tuple[float, float]:
    """Mean and smallest agreement of two different runs."""
    values = np.asarray(agreement)[np.triu_indices(len(agreement), 1)]
    return float(values.mean()), float(values.min())
