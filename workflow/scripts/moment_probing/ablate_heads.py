"""Train variants of the moment head: which moment, how many heads, which pairs, which centring."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.suite import Choice, Recipe, train_head
from lib.probing.textures import TARGET_CLASSES
from lib.probing.tokens import image_tokens, load_backbones
from lib.progress import progress


def ablate_heads(
    backbones, probes, *, variants: list[str], seeds: int, sets: list[str], train: int, test: int, hidden: int,
    epochs: int, batch: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy of variants of the moment head, at the learning rate of the standard head.

    Args:
        backbones: store of weights.
        probes: store of the standard heads on the same tokens.
        variants: names of heads.
        seeds: backbones, the first of those that are judged.
        sets: names of image sets.
        train, test: images of a set.
        hidden: width of the projection.
        epochs: of the heads.
        batch: samples of a step.
        root_seed: root of the random streams.
    """
    models = load_backbones(backbones, "vit")[: min(seeds, len(probes.seed))]
    accuracy = np.full((len(variants), len(sets), len(models)), np.nan)
    parameters = np.full((len(variants), len(sets)), np.nan)
    size = int(backbones.attrs["size"])
    for d, name in enumerate(progress(sets, "sets")):
        rate = float(probes.rate.sel(probe="mp", images=name))
        data = [
            image_tokens(model, name, train, test, size, generator(root_seed, "moment_probing", "vit", name, s))
            for s, model in enumerate(models)
        ]
        fit, held = (tuple(torch.stack(part) for part in zip(*(one[k] for one in data))) for k in (0, 1))
        heads = [
            int(generator(root_seed, "moment_probing", "head", "vit", name, s).integers(2**31))
            for s in range(len(models))
        ]
        recipe = Recipe(hidden, "contiguous", (rate,), epochs, batch)
        for v, variant in enumerate(progress(variants, "variants")):
            choice = Choice(rate, float("nan"), float("nan"))
            result = train_head(variant, choice, fit, held, TARGET_CLASSES[name], recipe, heads)
            accuracy[v, d], parameters[v, d] = result.accuracy, result.parameters
    standard = probes.accuracy.sel(probe="mp").values[:, : len(models)]
    return xr.Dataset(
        {
            "accuracy": (("variant", "images", "seed"), accuracy, {"long_name": "test accuracy"}),
            "standard": (("images", "seed"), standard, {"long_name": "test accuracy of the standard head"}),
            "parameters": (("variant", "images"), parameters, {"long_name": "trainable parameters"}),
        },
        coords={"variant": variants, "images": sets},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(ablate_heads, snakemake)
