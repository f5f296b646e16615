"""Baselines on pixels, and elastic-net subspace clustering on pixels and on features before and after stage 2."""

import numpy as np
import xarray as xr
from sklearn.cluster import AgglomerativeClustering
from sklearn.manifold import TSNE

from lib.clustering.elastic_net import expression_affinity, self_expression
from lib.clustering.images import load_images
from lib.clustering.pipeline import KMEANS_SEEDS, mean_scores
from lib.clustering.spectral import kmeans_labels, neighbour_affinity, spectral_labels
from lib.progress import progress

SCORES = ["accuracy", "nmi", "ari"]


def cluster_pixels(
    starts, members, *, neighbours: list[int], fits: list[float], pixel_fits: list[float], subspace_seeds: list[int],
    tsne: bool,
) -> xr.Dataset:  # fmt: skip
    """Return scores of every setting on pixels, and of elastic-net clustering `(features, seed, fit, score)`.

    Args:
        starts: after stage 1.
        members: after stage 2.
        neighbours: of the graphs on pixels.
        fits: g of elastic-net clustering on features.
        pixel_fits: the same on pixels.
        subspace_seeds: seeds whose features are clustered by self-expression.
        tsne: whether t-SNE is run.
    """
    classes = starts["class"].values
    k = len(np.unique(classes))
    x = load_images("digits")[0][starts.row.values].reshape(len(classes), -1).astype(float)
    results = {
        "k-means": kmeans_labels(x, k, KMEANS_SEEDS),
        "Ward": AgglomerativeClustering(k).fit_predict(x)[None],
        **{f"spectral, {m} neighbours": spectral_labels(neighbour_affinity(x, m), k, KMEANS_SEEDS) for m in neighbours},
        **{f"EnSC, g = {g:g}": _by_expression(x, g, k) for g in progress(pixel_fits, "pixels")},
    }
    if tsne:
        flat = TSNE(random_state=0, init="pca", n_jobs=1).fit_transform(x.astype(np.float32))
        results["t-SNE + k-means"] = kmeans_labels(flat, k, KMEANS_SEEDS)
    stages = {"stage 1": starts.feature, "stage 2": members.feature}
    dims = ("features", "subspace_seed", "fit", "score_name")
    score = np.full((2, len(subspace_seeds), len(fits), 3), np.nan)
    for s, seed in enumerate(progress(subspace_seeds, "seeds")):
        for f, feature in enumerate(stages.values()):
            z = feature.sel(seed=seed).values.astype(float)
            score[f, s] = [mean_scores(classes, _by_expression(z, g, k)) for g in fits]
    return xr.Dataset(
        {
            "pixel_score": (
                ("baseline", "score_name"),
                np.stack([mean_scores(classes, labels) for labels in results.values()]),
                {"long_name": "agreement with the digits"},
            ),
            "subspace_score": (dims, score, {"long_name": "agreement of elastic-net clustering with the digits"}),
        },
        coords={
            "baseline": list(results), "score_name": SCORES, "features": list(stages), "fit": fits,
            "subspace_seed": subspace_seeds,
        },
    )  # fmt: skip


def _by_expression(x, g: float, k: int) -> np.ndarray:
    """Labels (seeds, n) of elastic-net subspace clustering."""
    return spectral_labels(expression_affinity(self_expression(x, g)), k, KMEANS_SEEDS)


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(cluster_pixels, snakemake)
