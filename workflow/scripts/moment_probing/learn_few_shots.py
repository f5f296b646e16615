"""Train heads on a few images of each class."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.suite import Choice, Recipe, train_head
from lib.probing.textures import TARGET_CLASSES
from lib.probing.tokens import image_tokens, load_backbones
from lib.progress import progress


def learn_few_shots(
    backbones, probes, *, shots: list[int], draws: int, steps: int, sets: list[str], train: int, test: int,
    hidden: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy of linear and moment probing by the number of training images of each class.

    Learning rates and penalties are those that tuning chose on all training images.

    Args:
        backbones: store of weights.
        probes: store of the heads on all training images.
        shots: images of each class.
        draws: of training images for each backbone.
        steps: of the training of a head.
        sets: names of image sets.
        train, test: images of a set.
        hidden: width of the projection of the moment head.
        root_seed: root of the random streams.
    """
    models = load_backbones(backbones, "vit")[:-1]
    units = [(s, draw) for s in range(len(models)) for draw in range(draws)]
    accuracy = np.full((2, len(sets), len(shots), len(units)), np.nan)
    size = int(backbones.attrs["size"])
    for d, name in enumerate(progress(sets, "sets")):
        classes = TARGET_CLASSES[name]
        data = [
            image_tokens(model, name, train, test, size, generator(root_seed, "moment_probing", "vit", name, s))
            for s, model in enumerate(models)
        ]
        held = tuple(torch.stack([data[s][1][k] for s, _ in units]) for k in (0, 1))
        streams = [generator(root_seed, "moment_probing", "shots", name, s, draw) for s, draw in units]
        orders = [stream.permutation(len(data[s][0][1])) for stream, (s, _) in zip(streams, units)]
        seeds = [int(stream.integers(2**31)) for stream in streams]
        linear = str(probes.linear.sel(images=name).item())
        for k, number in enumerate(progress(shots, "numbers of shots")):
            rows = [
                np.concatenate([o[data[s][0][1].numpy()[o] == label][:number] for label in range(classes)])
                for o, (s, _) in zip(orders, units)
            ]
            fit = tuple(torch.stack([data[s][0][j][own] for own, (s, _) in zip(rows, units)]) for j in (0, 1))
            for e, head in enumerate((linear, "mp")):
                at = probes.sel(probe=head, images=name)
                choice = Choice(float(at.rate), float(at.scale), float("nan"))
                recipe = Recipe(hidden, "contiguous", (choice.rate,), 1)
                accuracy[e, d, k] = train_head(head, choice, fit, held, classes, recipe, seeds, steps).accuracy
    whole = accuracy.reshape(2, len(sets), len(shots), len(models), draws)
    return xr.Dataset(
        {
            "accuracy": (
                ("estimator", "images", "shots", "seed", "draw"),
                whole,
                {"long_name": "test accuracy"},
            )
        },
        coords={"estimator": ["lp", "mp"], "images": sets, "shots": shots},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(learn_few_shots, snakemake)
