"""Clusterings of the features before and after stage 2, their geometry, and labels over temperatures."""

import numpy as np
import xarray as xr

from lib.clustering.geometry import class_cosines, class_spectra, linear_probe
from lib.clustering.images import load_images
from lib.clustering.membership import project
from lib.clustering.pipeline import KMEANS_SEEDS, mean_scores
from lib.clustering.spectral import kmeans_labels, leading_eigenvectors, neighbour_affinity, spectral_labels, unit_rows
from lib.progress import progress

SCORES = ["accuracy", "nmi", "ari"]
METHODS = ["k-means", "spectral kNN"]


def measure_features(
    starts, members, *, neighbours: list[int], etas: list[float], eta_seeds: int, inverse_penalties: list[float]
) -> xr.Dataset:
    """Return scores, cosines, spectra and probes `(features, seed, ...)`, and labels over temperatures.

    Args:
        starts: after stage 1.
        members: after stage 2.
        neighbours: of the graph; the most accurate number stands for the method.
        etas: temperatures of labels.
        eta_seeds: first seeds for which they are swept.
        inverse_penalties: C of linear probes.
    """
    classes = starts["class"].values
    k = len(np.unique(classes))
    pixels = load_images("digits")[0][starts.row.values].reshape(len(classes), -1)
    stages = {"stage 1": starts.feature.values, "stage 2": members.feature.values}
    heads = {"stage 1": starts.feature.values, "stage 2": members.cluster.values}
    seeds = starts.sizes["seed"]
    score = np.full((2, seeds, len(METHODS), len(SCORES)), np.nan)
    between, within, probe = (np.full((2, seeds), np.nan) for _ in range(3))
    dim = stages["stage 1"].shape[2]
    spectra = np.full((2, seeds, k, dim), np.nan)
    swept = np.full((2, min(eta_seeds, seeds), len(etas), 3), np.nan)
    for s in progress(range(seeds), "seeds"):
        for f, name in enumerate(stages):
            z = stages[name][s].astype(float)
            score[f, s, 0] = mean_scores(classes, kmeans_labels(z, k, KMEANS_SEEDS))
            graphs = [spectral_labels(neighbour_affinity(z, m), k, KMEANS_SEEDS) for m in neighbours]
            score[f, s, 1] = max((mean_scores(classes, labels) for labels in graphs), key=lambda one: one[0])
            between[f, s], within[f, s] = class_cosines(z, classes)
            spectra[f, s] = class_spectra(z, classes)
            probe[f, s] = linear_probe(z, classes, inverse_penalties)
            if s >= eta_seeds:
                continue
            c = heads[name][s].astype(float)
            for e, eta in enumerate(etas):
                membership = project(c @ c.T, eta).membership
                values, vectors = leading_eigenvectors(membership, k)
                labels = kmeans_labels(unit_rows(vectors), k, KMEANS_SEEDS)
                same = classes[:, None] == classes
                swept[f, s, e] = (
                    mean_scores(classes, labels)[0], membership[same].sum() / len(classes), values[k - 1] - values[k]
                )  # fmt: skip
    centred = unit_rows(pixels - pixels.mean(0))
    dims = ("features", "seed")
    return xr.Dataset(
        {
            "score": ((*dims, "estimator", "score_name"), score, {"long_name": "agreement with the digits"}),
            "between": (dims, between, {"long_name": "mean |cosine| between classes"}),
            "within": (dims, within, {"long_name": "mean |cosine| within classes"}),
            "spectrum": ((*dims, "digit", "order"), spectra, {"long_name": "singular values of a class, scaled"}),
            "probe": (dims, probe, {"long_name": "accuracy of a linear classifier, cross-validated"}),
            "accuracy_at": (("features", "swept", "eta"), swept[..., 0], {"long_name": "accuracy"}),
            "mass_at": (("features", "swept", "eta"), swept[..., 1], {"long_name": "membership within classes"}),
            "gap_at": (("features", "swept", "eta"), swept[..., 2], {"long_name": "gap of eigenvalues at k"}),
            "pixel_between": ((), class_cosines(centred, classes)[0], {"long_name": "mean |cosine| of centred pixels"}),
            "pixel_spectrum": (("digit", "pixel"), class_spectra(pixels, classes), {"long_name": "of pixels"}),
            "pixel_probe": ((), linear_probe(pixels, classes, inverse_penalties), {"long_name": "of pixels"}),
        },
        coords={
            "features": list(stages), "seed": starts.seed.values, "estimator": METHODS, "score_name": SCORES,
            "eta": etas, "swept": starts.seed.values[:eta_seeds],
        },
        attrs={"dim": dim},
    )  # fmt: skip


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_features, snakemake)
