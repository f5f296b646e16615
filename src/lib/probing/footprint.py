"""Largest memory of a process that trains by one method: measured in a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import torch

from lib.probing.backbones import VisionTransformer
from lib.probing.pretraining import TunedModel
from lib.probing.tuning import prepare, training_step


def example(method: str, transformer: dict, classes: int, hidden: int) -> TunedModel:
    """An untrained vision transformer under a method.

    Args:
        method: of `lib.probing.tuning.METHODS`.
        transformer: sizes of the backbone.
        classes: K.
        hidden: width of the projection of the moment head.
    """
    backbone = VisionTransformer(**transformer)
    options = {"hidden": hidden} if method not in ("lp", "bias", "ssf", "ft") else {}
    return prepare(method, backbone, transformer["width"], classes, **options)


def batch_of(transformer: dict, classes: int, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random images and labels."""
    size, channels = transformer["image"], transformer["channels"]
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, channels, size, size, generator=generator)
    return images, torch.randint(classes, (batch,), generator=generator)


def peak_memory(method: str, transformer: dict, classes: int, hidden: int, batch: int, steps: int = 2) -> int:
    """Bytes of the largest resident set of a fresh process that makes a few training steps by a method.

    Args:
        method, transformer, classes, hidden: of `example`.
        batch: images of a step.
        steps: training steps.
    """
    settings = {"method": method, "transformer": transformer, "classes": classes, "hidden": hidden}
    text = json.dumps({"example": settings, "batch": batch, "steps": steps})
    command = [sys.executable, "-c", f"import sys, {__name__} as own; own.main(sys.argv[1])", text]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(text: str) -> None:
    """Train as the settings in JSON say, and print the bytes."""
    settings = json.loads(text)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = example(**settings["example"])
    images, labels = batch_of(settings["example"]["transformer"], settings["example"]["classes"], settings["batch"])
    for _ in range(settings["steps"]):
        training_step(model, images, labels)
    # getrusage would give the parent's peak where that is larger: it survives fork and exec
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(1024 * int(kilobytes))
