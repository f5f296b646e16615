"""Train heads on the tokens of frozen backbones, and test them on clean and on corrupted images."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.pretraining import compute_tokens
from lib.probing.suite import Recipe, best_linear, train_head, tune_head
from lib.probing.textures import CORRUPTIONS, NOISE, TARGET_CLASSES, corrupt
from lib.probing.tokens import image_tokens, load_backbones
from lib.progress import progress


def measure_probes(
    backbones, *, backbone: str, sets: list[str], heads: dict, train: int, test: int, hidden: int, rates: list[float],
    epochs: dict, batch: int, corrupted: dict, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy of each head on each set and seed, what tuning chose, and accuracy under corruption.

    Args:
        backbones: store of weights.
        backbone: kind of backbone.
        sets: names of image sets.
        heads: names of heads by kind of backbone.
        train, test: images of a set.
        hidden: width of the projection of the moment head.
        rates: learning rates that tuning chooses from.
        epochs: of the heads, by kind of backbone.
        batch: samples of a step.
        corrupted: test images of each corruption, by kind of backbone; 0 for none.
        root_seed: root of the random streams.
    """
    models = load_backbones(backbones, backbone)
    judged, names = len(models) - 1, heads[backbone]
    recipe = Recipe(hidden, "interleaved" if backbone == "cnn" else "contiguous", tuple(rates), epochs[backbone], batch)
    shape = (len(names), len(sets), judged)
    accuracy, fall = np.full(shape, np.nan), np.full(shape, np.nan)
    rate, scale, validation, parameters = (np.full(shape[:2], np.nan) for _ in range(4))
    severities = len(NOISE) if corrupted[backbone] else 0
    robust = np.full((2, len(sets), judged, len(CORRUPTIONS), severities), np.nan)
    linear = []
    for d, name in enumerate(progress(sets, "sets")):
        classes = TARGET_CLASSES[name]
        data = [
            image_tokens(model, name, train, test, int(backbones.attrs["size"]), _stream(root_seed, backbone, name, s))
            for s, model in enumerate(models)
        ]
        seeds = [int(_stream(root_seed, "head", backbone, name, s).integers(2**31)) for s in range(len(models))]
        fit, held = (tuple(torch.stack(part) for part in zip(*(one[k] for one in data[:-1]))) for k in (0, 1))
        choices = {head: tune_head(head, *data[-1][0], classes, recipe, seeds[-1]) for head in names}
        linear.append(best_linear(choices))
        results = {}
        for h, head in enumerate(progress(names, "heads")):
            result = train_head(head, choices[head], fit, held, classes, recipe, seeds[:-1])
            accuracy[h, d], fall[h, d], parameters[h, d] = result.accuracy, result.fall, result.parameters
            rate[h, d], scale[h, d], validation[h, d] = choices[head]
            results[head] = result
        for c, corruption in enumerate(CORRUPTIONS if severities else ()):
            for severity in range(severities):
                tokens, labels = _corrupted(
                    models[:-1], data, corrupted[backbone], corruption, severity + 1,
                    _stream(root_seed, "corruption", name, corruption, severity),
                )  # fmt: skip
                for k, head in enumerate((linear[-1], "mp")):
                    hits = results[head].predict(tokens) == labels
                    robust[k, d, :, c, severity] = hits.float().mean(1).numpy()
    return xr.Dataset(
        {
            "accuracy": (("probe", "images", "seed"), accuracy, {"long_name": "test accuracy"}),
            "fall": (("probe", "images", "seed"), fall, {"long_name": "fall of the training loss over the last tenth"}),
            "rate": (("probe", "images"), rate, {"long_name": "learning rate, or penalty of a solver"}),
            "scale": (("probe", "images"), scale, {"long_name": "scale of frequencies"}),
            "validation": (("probe", "images"), validation, {"long_name": "accuracy in validation"}),
            "parameters": (("probe", "images"), parameters, {"long_name": "trainable parameters"}),
            "linear": ("images", np.array(linear), {"long_name": "linear probe that validation chose"}),
            "robust": (
                ("estimator", "images", "seed", "corruption", "severity"),
                robust,
                {"long_name": "test accuracy on corrupted images"},
            ),
        },
        coords={
            "probe": names,
            "images": sets,
            "estimator": ["lp", "mp"],
            "corruption": list(CORRUPTIONS),
            "severity": np.arange(1, severities + 1),
        },
        attrs={"backbone": backbone, "train": train},
    )


def _stream(root_seed: int, *key) -> np.random.Generator:
    return generator(root_seed, "moment_probing", *key)


def _corrupted(models, data, number, corruption, severity, rng):
    """Tokens and labels of corrupted test images, at equal distances: photographs lie in the order of their classes."""
    rows = np.linspace(0, len(data[0][2]) - 1, min(number, len(data[0][2]))).astype(int)
    tokens = [compute_tokens(m, corrupt(one[2][rows], corruption, severity, rng)) for m, one in zip(models, data)]
    return torch.stack(tokens), torch.stack([one[1][1][rows] for one in data[: len(models)]])


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(measure_probes, snakemake)
