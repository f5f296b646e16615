"""Train small backbones on procedural textures: by their class, and as masked autoencoders."""

import numpy as np
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.pretraining import pretrain, weights
from lib.progress import progress


def pretrain_backbones(*, seeds: dict, steps: dict, size: int, classes: int, root_seed: int) -> xr.Dataset:
    """Return the weights of backbones of each kind, and the losses of their training.

    Args:
        seeds: backbones of each kind; the last of a kind is for tuning alone.
        steps: batches of 48 images, by kind.
        size: rows and columns of an image.
        classes: of the source task.
        root_seed: root of the random streams.
    """
    store = xr.Dataset(attrs={"size": size, "classes": classes})
    for kind in seeds:
        vectors, losses = [], []
        for number in progress(range(seeds[kind]), f"backbones {kind}"):
            seed = int(generator(root_seed, "moment_probing", "backbone", kind, number).integers(2**31))
            backbone, loss = pretrain(kind, size, classes, steps[kind], seed)
            vectors.append(weights(backbone))
            losses.append(loss)
        store[f"weights_{kind}"] = ((f"seed_{kind}", f"weight_{kind}"), np.stack(vectors))
        store[f"loss_{kind}"] = ((f"seed_{kind}", f"step_{kind}"), np.stack(losses), {"long_name": "training loss"})
    return store


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(pretrain_backbones, snakemake)
