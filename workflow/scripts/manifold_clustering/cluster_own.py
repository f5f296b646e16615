"""Clusters of a user's own images, with the agreement of independent runs."""

import torch
import xarray as xr

from lib.clustering.advice import cluster_images, stability
from lib.clustering.fit import Recipe
from lib.clustering.images import read_own


def cluster_own(
    images, *, clusters: int, seeds: list[int], side: int, dim: int, features: dict, member: dict, label_eta: float,
    root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the cluster of each image in each run, features of the typical run, and the agreement of runs.

    Args:
        images: an .npz with `images`, or a folder of image files.
        clusters: k.
        seeds: numbers of the runs.
        side: pixels to which files of a folder are scaled.
        dim: width of the heads.
        features: recipe of stage 1.
        member: recipe of stage 2.
        label_eta: temperature of labels.
        root_seed: root of the random streams.
    """
    torch.set_num_threads(1)
    values, names = read_own(images, side)
    result = cluster_images(
        values, clusters, features=Recipe(**features), member=Recipe(**member), seeds=seeds, dim=dim,
        label_eta=label_eta, root_seed=root_seed,
    )  # fmt: skip
    mean, least = stability(result.agreement)
    print(f"agreement of two runs: {mean:.3f} in the mean, {least:.3f} at least (1: equal clusters, 0: unrelated)")
    return xr.Dataset(
        {
            "label": (("seed", "image"), result.labels, {"long_name": "cluster"}),
            "feature": (("image", "axis"), result.feature, {"long_name": "features of the typical run"}),
            "agreement": (("seed", "other"), result.agreement, {"long_name": "adjusted Rand index of two runs"}),
        },
        coords={"image": names, "seed": seeds},
        attrs={"typical": seeds[result.typical], "stability": mean},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(cluster_own, snakemake)
