"""What a pretrained classifier of the user's sees in photographs of the user's, linearly."""

import numpy as np
import xarray as xr

from lib.interpreters.checks import logits_of
from lib.interpreters.explain import explain, read_photograph

MEAN, DEVIATION = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # of ImageNet's channels, where the checkpoint names none
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def explain_photographs(checkpoint, folder, *, classes: int, side: int, gate: str, norm_mean: str) -> xr.Dataset:
    """Return leading classes, logits, residuals and votes of each photograph, and how far the interpreter agrees.

    Args:
        checkpoint: folder of an image classifier of transformers; with `preprocessor_config.json` its normalisation
            is used.
        folder: images.
        classes: leading classes.
        side: pixels that images are resized to.
        gate, norm_mean: conventions of the scope.
    """
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(checkpoint, local_files_only=True).eval()
    mean, deviation = MEAN, DEVIATION
    if (checkpoint / "preprocessor_config.json").exists():
        processor = AutoImageProcessor.from_pretrained(checkpoint, local_files_only=True)
        mean, deviation = processor.image_mean, processor.image_std
    mean, deviation = (torch.tensor(part).view(1, -1, 1, 1) for part in (mean, deviation))
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"photographs: {folder} has no image with one of {sorted(SUFFIXES)}")
    images = [(read_photograph(path, side) - mean) / deviation for path in paths]
    told = [explain(model, image, classes=classes, call=logits_of, gate=gate, norm_mean=norm_mean) for image in images]
    names = model.config.id2label
    return xr.Dataset(
        {
            "name": (("image", "class"), np.array([[names[int(c)] for c in one.classes] for one in told])),
            "logit": (("image", "class"), np.stack([one.logits for one in told])),
            "residual": (
                ("image", "class"),
                np.stack([one.residual for one in told]),
                {"long_name": "residual r of the logit"},
            ),
            "votes": (("image", "class", "y", "x"), np.stack([one.votes.sum(1) for one in told])),
            "share": ("image", [one.share for one in told], {"long_name": "|r| / (|r| + |F x|), class-centred"}),
            "agreement": (
                ("image", "distance"),
                np.stack([one.agreement for one in told]),
                {"long_name": "correlation of the network's and the interpreter's changes of logits"},
            ),
        },
        coords={"image": [path.name for path in paths], "distance": told[0].distances},
    )


if "snakemake" in globals():
    from lib.atlas.job.stage import run

    run(explain_photographs, snakemake)
