"""Figure: random images of each cluster, and images that the clustering puts with another digit."""

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from lib.atlas.job.figure import COLOURS, new_figure
from lib.clustering.images import load_images
from lib.clustering.spectral import match_clusters

RANDOM, WRONG = 12, 6
GAP = 2  # pixels between images


def figure(starts, members):
    """Return the figure: one picture of all images, because a panel for each takes long to lay out."""
    images = load_images("digits")[0][starts.row.values][:, 0]
    classes = starts["class"].values
    labels = members.label.sel(seed=1).isel(start=0).values.astype(int)
    matched = match_clusters(classes, labels)
    rng = np.random.default_rng(0)
    clusters = np.unique(labels)
    rows = sorted(clusters, key=lambda cluster: matched[labels == cluster][0])
    side = images.shape[-1]
    pitch = side + GAP
    canvas = np.full((pitch * len(rows), pitch * (RANDOM + WRONG)), np.nan)
    frames = []
    for row, cluster in enumerate(rows):
        members_of = rng.permutation(np.flatnonzero(labels == cluster))
        wrong = members_of[classes[members_of] != matched[members_of]][:WRONG]
        for column, i in (*enumerate(members_of[:RANDOM]), *enumerate(wrong, RANDOM)):
            top, left = pitch * row, pitch * column
            canvas[top : top + side, left : left + side] = images[i]
            if classes[i] != matched[i]:
                frames.append(Rectangle((left - 0.9, top - 0.9), side + 0.8, side + 0.8))
    fig, axis = new_figure(width=9.5, height=0.53 * len(rows) + 0.4)
    axis.imshow(canvas, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    axis.add_collection(PatchCollection(frames, facecolor="none", edgecolor=COLOURS[1], linewidth=2))
    digits = [str(matched[labels == cluster][0]) for cluster in rows]
    axis.set_yticks(pitch * np.arange(len(rows)) + side / 2 - 0.5, digits)
    axis.set(xticks=[], ylabel="digit to which the cluster is matched")
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    for start, count, words in ((0, RANDOM, "random images of each cluster"), (RANDOM, WRONG, "of another digit")):
        middle = pitch * (start + count / 2) - 1
        axis.annotate(words, (middle, -1.5), ha="center", va="bottom", annotation_clip=False)
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
