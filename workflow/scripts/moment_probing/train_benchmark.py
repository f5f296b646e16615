"""Train by one method on one image folder, with a backbone from a local checkpoint, and test also on shifted images."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from lib.probing.backbones import load_backbone
from lib.probing.benchmarks import folder_accuracy, shifted_folders, train_on_folder
from lib.probing.folders import ImageFolder
from lib.probing.moments import count_trainable
from lib.probing.tuning import METHODS, prepare


def train_benchmark(
    folder, weights, shifted=(), *, method: str, images: str, recipes: dict, hidden: int, bottleneck: int, size: int,
    workers: int, device: str, rng, checkpoint,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy on the test images and on shifted ones.

    Args:
        folder: has the folders `train` and `val`, each with one folder for each class.
        weights: folder of a checkpoint of transformers.
        shifted: folders of shifted test images, for ImageNet.
        method: of `lib.probing.tuning.METHODS`.
        images: name of the set.
        recipes: of training, `imagenet` and `fine` for all others: epochs, warmup, batch, learning_rate, decay, scale.
        hidden: width of the projection of the moment head.
        bottleneck: of PSRP.
        size: rows and columns of an image.
        workers: processes that read images.
        device: torch device.
        rng: generator.
        checkpoint: where training is saved.
    """
    recipe = dict(recipes["imagenet" if images == "imagenet" else "fine"])
    seed = int(rng.integers(2**31))
    torch.manual_seed(seed)
    backbone = load_backbone(str(weights))
    data = ImageFolder(Path(folder) / "train", size, scale=recipe.pop("scale"), seed=seed)
    options = {"hidden": hidden} if METHODS[method][0] == "moment" else {}
    width = backbone.model.config.hidden_size
    model = prepare(method, backbone, width, len(data.classes), bottleneck, **options).eval()
    losses = train_on_folder(model, data, workers=workers, device=device, seed=seed, checkpoint=checkpoint, **recipe)

    def test(path) -> float:
        return folder_accuracy(model, path, data.classes, size, recipe["batch"], workers, device)

    shifts = [Path(one) for one in ([shifted] if isinstance(shifted, str) else shifted)]
    return xr.Dataset(
        {
            "accuracy": test(Path(folder) / "val"),
            "shifted": ("shift", np.array([np.mean([test(p) for p in shifted_folders(one)]) for one in shifts])),
            "loss": ("epoch", losses, {"long_name": "mean training loss"}),
            "parameters": count_trainable(model),
        },
        attrs={"method": method, "images": images},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(train_benchmark, snakemake)
