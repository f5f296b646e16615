"""Train heads on a few images of each class."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.pretraining import build_backbone, load_weights
from lib.probing.suite import Choice, Recipe, train_head
from lib.probing.textures import TARGET_CLASSES, image_set
from lib.probing.tokens import image_tokens, load_backbones
from lib.probing.tuning import METHODS, prepare, tune
from lib.progress import progress

EPOCHS = 12  # at least, of every training: a fixed number of steps would leave heads of many images untrained


def learn_few_shots(
    backbones, probes, tuned, *, shots: list[int], draws: int, steps: int, methods: list[str], sets: list[str],
    train: int, test: int, hidden: int, batch: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy of linear and moment probing by the number of training images of each class.

    Learning rates and penalties are those that tuning chose on all training images.

    Args:
        backbones: store of weights.
        probes: store of the heads on all training images.
        tuned: store of tuning through the backbone, whose learning rates these methods take.
        shots: images of each class.
        draws: of training images for each backbone.
        steps: least number of the training of a head, or of a backbone.
        methods: of `lib.probing.tuning.METHODS`, which tune the backbone too.
        sets: names of image sets.
        train, test: images of a set.
        hidden: width of the projection of the moment head.
        batch: samples of a step.
        root_seed: root of the random streams.
    """
    models = load_backbones(backbones, "vit")[:-1]
    units = [(s, draw) for s in range(len(models)) for draw in range(draws)]
    accuracy = np.full((2 + len(methods), len(sets), len(shots), len(units)), np.nan)
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

        def _tune(weights, method, rate, own, s, seed, length, name=name, classes=classes) -> float:
            stream = generator(root_seed, "moment_probing", "vit", name, s)
            (images, labels), (others, truth) = image_set(name, train, test, size, stream)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                options = {"hidden": hidden} if METHODS[method][0] == "moment" else {}
                backbone = load_weights(build_backbone("vit", size), weights)
                model = prepare(method, backbone, backbone.width, classes, **options)
            tune(model, images[own], labels[own], length, rate, np.random.default_rng(seed), batch)
            return model.accuracy(others, truth)

        linear = str(probes.linear.sel(images=name).item())
        for k, number in enumerate(progress(shots, "numbers of shots")):
            rows = [
                np.concatenate([o[data[s][0][1].numpy()[o] == label][:number] for label in range(classes)])
                for o, (s, _) in zip(orders, units)
            ]
            fit = tuple(torch.stack([data[s][0][j][own] for own, (s, _) in zip(rows, units)]) for j in (0, 1))
            length = max(steps, EPOCHS * -(-len(rows[0]) // batch))
            for e, head in enumerate((linear, "mp")):
                at = probes.sel(probe=head, images=name)
                choice = Choice(float(at.rate), float(at.scale), float("nan"))
                recipe = Recipe(hidden, "contiguous", (choice.rate,), 1, batch)
                accuracy[e, d, k] = train_head(head, choice, fit, held, classes, recipe, seeds, length).accuracy
            for e, method in enumerate(methods, 2):
                rate = float(tuned.rate.sel(tuning=method, images=name))
                for u, (own, (s, _)) in enumerate(zip(rows, units)):
                    accuracy[e, d, k, u] = _tune(
                        backbones.weights_vit.values[s], method, rate, own, s, seeds[u], length
                    )
    whole = accuracy.reshape(2 + len(methods), len(sets), len(shots), len(models), draws)
    return xr.Dataset(
        {
            "accuracy": (
                ("estimator", "images", "shots", "seed", "draw"),
                whole,
                {"long_name": "test accuracy"},
            )
        },
        coords={"estimator": ["lp", "mp", *methods], "images": sets, "shots": shots},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(learn_few_shots, snakemake)
