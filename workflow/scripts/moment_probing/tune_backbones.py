"""Tune backbones by methods that back-propagate through them: fine-tuning, biases, SSF, and the forms of PSRP."""

import numpy as np
import torch
import xarray as xr

from lib.atlas.job.seeds import generator
from lib.probing.moments import count_trainable
from lib.probing.pretraining import build_backbone, load_weights
from lib.probing.suite import split_validation
from lib.probing.textures import TARGET_CLASSES, image_set
from lib.probing.tuning import METHODS, prepare, tune
from lib.progress import progress

WIDEN = 3.0  # factor between learning rates that are added where the best is an end
WIDENINGS = 2


def tune_backbones(
    backbones, *, kind: str, methods: list[str], seeds: int, steps: int, batch: int, rates: list[float],
    sets: list[str], train: int, test: int, hidden: int, root_seed: int,
) -> xr.Dataset:  # fmt: skip
    """Return the accuracy of each method, its learning rate and trainable parameters.

    Args:
        backbones: store of weights.
        kind: of backbone.
        methods: of `lib.probing.tuning.METHODS`.
        seeds: backbones, the first of those that are judged.
        steps: training steps.
        batch: images of a step.
        rates: learning rates; of several the tuning seed chooses, and adds more where the best is an end.
        sets: names of image sets.
        train, test: images of a set.
        hidden: width of the projection of the moment head.
        root_seed: root of the random streams.
    """
    stored = backbones[f"weights_{kind}"].values
    size = int(backbones.attrs["size"])
    judged = min(seeds, len(stored) - 1)
    shape = (len(methods), len(sets), judged)
    accuracy, fall = np.full(shape, np.nan), np.full(shape, np.nan)
    chosen, parameters = np.full(shape[:2], np.nan), np.full(shape[:2], np.nan)

    def trained(method: str, name: str, row: int, fit, rate: float):
        model = load_weights(build_backbone(kind, size), stored[row])
        rng = generator(root_seed, "moment_probing", "tuning", kind, method, name, row)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            options = {"hidden": hidden} if METHODS[method][0] == "moment" else {}
            model = prepare(method, model, model.width, TARGET_CLASSES[name], **options)
        losses = tune(model, *fit, steps, rate, rng, batch)
        half = max(1, steps // 20)
        return model, 1 - losses[-half:].mean() / max(losses[-2 * half : -half].mean(), 1e-3 * losses[0])

    for d, name in enumerate(progress(sets, "sets")):
        data = [
            image_set(name, train, test, size, generator(root_seed, "moment_probing", kind, name, s))
            for s in (*range(judged), len(stored) - 1)
        ]
        (images, labels), _ = data[-1]
        fit, held = split_validation(len(labels), root_seed)
        for m, method in enumerate(progress(methods, "methods")):
            scores: dict[float, float] = {}

            def score(rate: float, method=method, name=name, images=images, labels=labels, fit=fit, held=held) -> float:
                model, _ = trained(method, name, len(stored) - 1, (images[fit], labels[fit]), rate)
                return model.accuracy(images[held], labels[held])

            if len(rates) > 1:
                scores = {rate: score(rate) for rate in rates}
                for _ in range(WIDENINGS):
                    best = max(scores, key=scores.get)
                    if min(scores) < best < max(scores):
                        break
                    wider = best * WIDEN if best == max(scores) else best / WIDEN
                    scores[wider] = score(wider)
            chosen[m, d] = max(scores, key=scores.get) if scores else rates[0]
            for s in range(judged):
                model, fall[m, d, s] = trained(method, name, s, data[s][0], chosen[m, d])
                accuracy[m, d, s] = model.accuracy(*data[s][1])
                parameters[m, d] = count_trainable(model)
    return xr.Dataset(
        {
            "accuracy": (("tuning", "images", "seed"), accuracy, {"long_name": "test accuracy"}),
            "fall": (
                ("tuning", "images", "seed"),
                fall,
                {"long_name": "fall of the training loss over the last tenth"},
            ),
            "rate": (("tuning", "images"), chosen, {"long_name": "learning rate"}),
            "parameters": (("tuning", "images"), parameters, {"long_name": "trainable parameters"}),
        },
        coords={"tuning": methods, "images": sets},
        attrs={"backbone": kind, "steps": steps},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tune_backbones, snakemake)
