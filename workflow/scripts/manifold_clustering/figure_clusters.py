"""Figure: random images of each cluster, and images that the clustering puts with another digit."""

import numpy as np

from lib.atlas.job.figure import new_figure
from lib.clustering.images import load_images
from lib.clustering.spectral import match_clusters

RANDOM, WRONG = 12, 6


def figure(starts, members):
    """Return the figure."""
    images = load_images("digits")[0][starts.row.values][:, 0]
    classes = starts["class"].values
    labels = members.label.sel(seed=1).isel(start=0).values.astype(int)
    matched = match_clusters(classes, labels)
    rng = np.random.default_rng(0)
    clusters = np.unique(labels)
    fig, axes = new_figure(ncols=RANDOM + WRONG, nrows=len(clusters), width=9.5, height=0.55 * len(clusters) + 0.3)
    rows = sorted(clusters, key=lambda cluster: matched[labels == cluster][0])
    for row, cluster in zip(axes, rows):
        members_of = rng.permutation(np.flatnonzero(labels == cluster))
        wrong = members_of[classes[members_of] != matched[members_of]][:WRONG]
        shown = [*members_of[:RANDOM], *[None] * (RANDOM - len(members_of[:RANDOM])), *wrong]
        for axis, i in zip(row, shown + [None] * (RANDOM + WRONG - len(shown))):
            axis.set_xticks([])
            axis.set_yticks([])
            axis.grid(False)
            if i is None:
                axis.set_axis_off()
                continue
            axis.imshow(images[i], cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
            for spine in axis.spines.values():
                spine.set(visible=classes[i] != matched[i], color="#D55E00", linewidth=2)
        row[0].set_ylabel(str(matched[labels == cluster][0]), rotation=0, ha="right", va="center")
    axes[0][RANDOM // 2].set_title("random images of each cluster")
    axes[0][RANDOM + WRONG // 2].set_title("of another digit")
    return fig


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(figure, snakemake)
