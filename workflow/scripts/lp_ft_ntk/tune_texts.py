"""One procedure on one set of texts with an encoder of transformers: accuracy, feature change, calibration."""

from pathlib import Path

import numpy as np
import xarray as xr

from lib.language.texts import SHIFTED, load_text_encoder, read_text_set, tokenise
from lib.probing.calibration import calibrate
from lib.probing.fine_tuning import feature_change, fisher_ratio
from lib.probing.heads import probe_head, random_head
from lib.probing.text_tuning import TextClassifier, text_features, tune_text_classifier


def tune_texts(
    encoder, folder, *, task: str, procedure: str, repeat: int, recipes: dict, adapters: dict, epochs: int, length: int,
    device: str, rng, checkpoint,
) -> xr.Dataset:  # fmt: skip
    """Return what the procedure reached.

    Args:
        encoder: folder of an encoder of transformers.
        folder: has a folder for each set of texts.
        task: name of the set.
        procedure: lp, ft, lp-ft, lora or lp-lora.
        repeat: number of the seed.
        recipes: batch and learning rate of each procedure, by set.
        adapters: rank, alpha and targets.
        epochs: passes over the training texts.
        length: tokens of a text at most.
        device: torch device.
        rng: generator.
        checkpoint: where training is saved.
    """
    seed = int(rng.integers(2**31))
    backbone, tokeniser = load_text_encoder(str(encoder))
    parts = read_text_set(Path(str(folder)) / task)
    inputs = {name: tokenise(tokeniser, texts, length) for name, texts in parts.items()}
    batch = recipes[task]["ft"]["batch"]
    before = {name: text_features(backbone, inputs[name], batch, device) for name in ("train", "test")}
    labels = {name: texts.labels for name, texts in parts.items()}
    classes = int(labels["train"].max()) + 1
    start = probe_head(before["train"], labels["train"]) if procedure.startswith("lp") else None
    start = start or random_head(classes, backbone.width, rng)
    model = TextClassifier(backbone, start, {**adapters, "seed": seed} if "lora" in procedure else None)
    losses = np.empty(0)
    if procedure != "lp":
        fit = tune_text_classifier(
            model, inputs["train"], labels["train"], inputs["validation"], labels["validation"], epochs=epochs,
            device=device, seed=seed, checkpoint=checkpoint, **recipes[task][procedure],
        )  # fmt: skip
        losses = fit.losses
    end = model.end_head()
    after = text_features(model, inputs["test"], batch, device)
    scores = {name: end.scores(text_features(model, inputs[name], batch, device)) for name in inputs if name != "train"}
    change, cosine = feature_change(before["test"], after)
    calibration = calibrate(scores["test"], labels["test"], scores["validation"], labels["validation"])
    shifted = [name for name in parts if name.startswith(f"{SHIFTED}/")]

    def accuracy(name: str) -> float:
        return float(np.mean(scores[name].argmax(axis=1) == labels[name]))

    return xr.Dataset(
        {
            "validation": accuracy("validation"),
            "id": accuracy("test"),
            "ood": ("shift", np.array([accuracy(name) for name in shifted], dtype=float)),
            "change": change,
            "cosine": cosine,
            "fisher": fisher_ratio(after, labels["test"]),
            "start_norm": start.norm(),
            "end_norm": end.norm(),
            "strength": start.strength,
            "loss": ("epoch", losses, {"long_name": "mean training loss", "units": "nats"}),
            **calibration._asdict(),
        },
        coords={"shift": np.array([name.removeprefix(f"{SHIFTED}/") for name in shifted], dtype=str)},
        attrs={"task": task, "procedure": procedure, "repeat": repeat},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(tune_texts, snakemake)
